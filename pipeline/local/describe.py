"""What the service's Describe calls would answer, as far as references and people read it. Times are ISO 8601, UTC."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any


def now() -> str:
    """This moment, e.g. `2026-11-20T09:30:00.123456+00:00`."""
    return datetime.now(UTC).isoformat()


def moment(seconds: float) -> str:
    """A moment in epoch seconds, in the same form."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def processing(
    request: Mapping[str, Any],
    name: str,
    arn: str,
    status: str,
    started: str,
    *,
    reason: str = "",
    exit_message: str = "",
) -> dict[str, Any]:
    """As DescribeProcessingJob answers."""
    return {
        **request,
        "ProcessingJobName": name,
        "ProcessingJobArn": arn,
        "ProcessingJobStatus": status,
        **({"ExitMessage": exit_message} if exit_message else {}),
        **({"FailureReason": reason} if reason else {}),
        **_times("Processing", started),
    }


def training(
    request: Mapping[str, Any],
    name: str,
    arn: str,
    status: str,
    started: str,
    *,
    reason: str,
    timed_out: bool,
    artifacts: str,
    metrics: list[dict[str, Any]],
) -> dict[str, Any]:
    """As DescribeTrainingJob answers; `artifacts` is the address of the model, empty where none was kept."""
    return {
        **request,
        "TrainingJobName": name,
        "TrainingJobArn": arn,
        "TrainingJobStatus": status,
        "SecondaryStatus": "MaxRuntimeExceeded" if timed_out else status,
        **({"ModelArtifacts": {"S3ModelArtifacts": artifacts}} if artifacts else {}),
        **({"FailureReason": reason} if reason else {}),
        "FinalMetricDataList": metrics,
        **_times("Training", started),
    }


def _times(kind: str, started: str) -> dict[str, str]:
    ended = now()
    return {"CreationTime": started, f"{kind}StartTime": started, f"{kind}EndTime": ended, "LastModifiedTime": ended}
