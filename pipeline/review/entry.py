"""The dossier of a version whose run has no record any more: what the entry in the registry points to by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.local.store import Store
from pipeline.packages import artifact_of
from pipeline.review.files import RunFiles
from steps.contract import EVALUATION_REPORT, SAMPLES


@dataclass(frozen=True)
class Pointers:
    """Addresses in an entry; a report that it does not name is empty. `samples` lies beside the evaluation."""

    training: str
    evaluation: str
    samples: str
    data_report: str


def pointers_of(package: Mapping[str, Any]) -> Pointers:
    """Where the entry says that things lie. Raises BadInput for one without a model."""
    metrics = package.get("ModelMetrics") or {}

    def report(kind: str) -> str:
        return str(((metrics.get(kind) or {}).get("Statistics") or {}).get("S3Uri") or "")

    evaluation = report("ModelQuality")
    beside = evaluation.removesuffix(EVALUATION_REPORT)
    return Pointers(
        training=artifact_of(package),
        evaluation=evaluation,
        samples=beside + SAMPLES if beside != evaluation else "",
        data_report=report("ModelDataQuality"),
    )


def gather_entry(
    package: Mapping[str, Any], store: Store, commands: list[tuple[str, str]], unrecorded: str
) -> RunFiles:
    """The reports and the model that the entry names; `unrecorded` says why there are no others."""
    where = pointers_of(package)

    def named(address: str) -> Path | None:
        return store.path(address) if address else None

    metadata = package.get("CustomerMetadataProperties") or {}
    return RunFiles(
        provenance={"execution": str(metadata["execution"])} if metadata.get("execution") else {},
        commands=commands,
        unrecorded=unrecorded,
        data_report=named(where.data_report),
        training=named(where.training),
        evaluation=named(where.evaluation),
        samples=named(where.samples),
    )
