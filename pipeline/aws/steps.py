"""A step as ListPipelineExecutionSteps tells it, and as the local record keeps one: one view and one explanation serve both."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from pipeline.local.record import StepRecord, StepStatus

STEP_STATUSES: Mapping[str, StepStatus] = {
    "Starting": "Executing",
    "Executing": "Executing",
    "Stopping": "Executing",
    "Stopped": "Stopped",
    "Failed": "Failed",
    "Succeeded": "Succeeded",
}
JOBS = {"TrainingJob": "Training", "ProcessingJob": "Processing"}  # key of a step's metadata -> type of the step


def step_record(row: Mapping[str, Any]) -> StepRecord:
    """The record of one row. Its `describe` holds no more than the ARN of a registered version."""
    metadata: Mapping[str, Any] = row.get("Metadata") or {}
    kind = next(iter(metadata), "")
    job = next((str(metadata[key].get("Arn", "")).rsplit("/", 1)[-1] for key in JOBS if key in metadata), "")
    outcome = (metadata.get("Condition") or {}).get("Outcome")
    package = (metadata.get("RegisterModel") or {}).get("Arn")
    return StepRecord(
        name=row["StepName"],
        type=JOBS.get(kind, kind),
        status=STEP_STATUSES.get(row["StepStatus"], "Executing"),
        reused=bool(row.get("CacheHitResult") or row.get("SelectiveExecutionResult")),
        attempts=int(row.get("AttemptCount") or 0),
        started=epoch_seconds(row["StartTime"]) if row.get("StartTime") else None,
        ended=epoch_seconds(row["EndTime"]) if row.get("EndTime") else None,
        reason=row.get("FailureReason") or (metadata.get("Fail") or {}).get("ErrorMessage", ""),
        job_name=job,
        outcome=None if outcome is None else outcome == "True",
        describe={"ModelPackageArn": package} if package else {},
    )


def answered_at(answer: Mapping[str, Any]) -> float:
    """When the service answered, by its own clock and in epoch seconds; 0 where the answer does not say."""
    stated = (answer.get("ResponseMetadata") or {}).get("HTTPHeaders", {}).get("date", "")
    try:
        return parsedate_to_datetime(stated).timestamp()
    except ValueError:
        return 0.0


def epoch_seconds(moment: datetime) -> float:
    """A time of an answer in epoch seconds."""
    return moment.timestamp()
