"""The dossier for a machine: the same facts as one JSON object."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pipeline.review.choice import changed_samples, drawn_samples, worst_samples
from pipeline.review.files import Run, RunFiles, read_run
from pipeline.review.package import compared_with
from pipeline.review.planned import plan_against_actual
from steps.contract import ADAPTER_WEIGHTS, Report, Sample, Seal


def dossier_facts(inputs: RunFiles) -> dict[str, Any]:
    """Everything the page shows, by the names of the reports; None for what a step did not write, `absent` says why."""
    run = read_run(inputs)
    return {
        "version": asdict(inputs.package) if inputs.package else None,
        "decisions": [asdict(decision) for decision in inputs.decisions],
        "earlier_decisions": inputs.earlier,
        "failure": inputs.failure,
        "provenance": dict(inputs.provenance),
        "parameters": dict(inputs.parameters),
        "preflight": _plain(run.preflight),
        "data": _plain(run.data),
        "plan": _plain(run.plan),
        "planned_and_actual": [asdict(row) for row in plan_against_actual(run)],
        "canaries": {"train": _plain(run.canary_train), "resume": _plain(run.canary_resume)},
        "training": _plain(run.training),
        "seals": [_summary(seal) for seal in run.seals],
        "evaluation": _plain(run.evaluation),
        "compared_with": compared_with(run.evaluation.champion, inputs.package).sentence if run.evaluation else None,
        "samples": _samples(run),
        "absent": dict(run.absent),
        "commands": dict(inputs.commands),
    }


def _plain(report: Report | None) -> dict[str, Any] | None:
    return report.model_dump(mode="json") if report else None


def _summary(seal: Seal) -> dict[str, Any]:
    """A seal without the run's identity and the list of files, which are long."""
    sums = {file.path: file.sha256 for file in seal.files}
    return {
        **seal.model_dump(mode="json", exclude={"identity", "files"}),
        "files": len(seal.files),
        "bytes": sum(file.bytes for file in seal.files),
        "adapter_sha256": sums.get(ADAPTER_WEIGHTS),
    }


def _samples(run: Run) -> dict[str, Any] | None:
    if run.samples is None:
        return None

    def plain(samples: list[Sample]) -> list[dict[str, Any]]:
        return [sample.model_dump(mode="json") for sample in samples]

    rows = run.samples.samples
    return {
        "total": run.samples.total,
        "worst": plain(worst_samples(rows)),
        "random": plain(drawn_samples(rows)),
        "most_changed": plain(changed_samples(rows)),
    }
