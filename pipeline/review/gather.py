"""Finds what a local run left behind for its page, wherever reused steps left it."""

from __future__ import annotations

from pathlib import Path

from pipeline.definition import digest
from pipeline.local.record import Execution, StepRecord
from pipeline.local.store import Store
from pipeline.review.files import RunFiles
from pipeline.review.origin import images_of
from steps import contract


def gather(execution: Execution, definition_text: str, store: Store, commands: list[tuple[str, str]]) -> RunFiles:
    """The artefacts of the steps that succeeded; None for those of steps that did not."""
    done = {step.name: step for step in execution.steps if step.status == "Succeeded"}

    def output(step: str, name: str, file: str) -> Path | None:
        return store.path(f"{output_address(done[step], name)}/{file}") if step in done else None

    def artefact(step: str) -> Path | None:
        return store.path(done[step].describe["ModelArtifacts"]["S3ModelArtifacts"]) if step in done else None

    def canary(step: str) -> Path | None:
        return artefact(step) or _measured_before_refusal(execution, step)

    failed = [step for step in execution.steps if step.status in ("Failed", "Stopped")]
    return RunFiles(
        provenance={
            "execution": execution.execution_id,
            "pipeline": execution.pipeline_name,
            "definition sha256": digest(definition_text),
            **images_of(execution),
            **{f"job of {step.name}": step.job_name for step in execution.steps if step.job_name},
        },
        parameters=dict(execution.parameters),
        commands=commands,
        failure="" if execution.refused or not failed else execution.failure_reason,
        preflight=output("Preflight", "preflight", contract.PREFLIGHT_REPORT),
        data_report=output("PrepareCorpus", "data-report", contract.DATA_REPORT),
        plan=output("TokenizeExamples", "tokens", contract.PLAN),
        canary_train=canary("CanaryTrain"),
        canary_resume=canary("CanaryResume"),
        training=artefact("TrainLora"),
        seals=_seals(done.get("TrainLora"), store),
        evaluation=output("EvaluateModel", "evaluation", contract.EVALUATION_REPORT),
        samples=output("EvaluateModel", "evaluation", contract.SAMPLES),
    )


def _measured_before_refusal(execution: Execution, name: str) -> Path | None:
    """The report of a canary that refused the run: its job failed, so it lies in the job's folder alone."""
    for step in execution.steps:
        if step.name == name and step.log_folder and step.status == "Failed":
            return Path(step.log_folder) / "ml" / "model" / contract.CANARY_REPORT
    return None


def output_address(step: StepRecord, name: str) -> str:
    """Address of a processing step's output."""
    for output in step.describe["ProcessingOutputConfig"]["Outputs"]:
        if output["OutputName"] == name:
            return str(output["S3Output"]["S3Uri"])
    raise KeyError(f"{step.name} has no output {name!r}")


def _seals(train: StepRecord | None, store: Store) -> list[Path]:
    if train is None:
        return []
    folder = store.path(train.describe["CheckpointConfig"]["S3Uri"])
    return sorted(folder.glob(f"checkpoint-*/{contract.SEAL}"), key=lambda path: int(path.parent.name.split("-")[1]))
