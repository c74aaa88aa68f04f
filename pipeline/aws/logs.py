"""What a job says of itself: the description of the service, and the end of its log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipeline.aws.session import Account, Missing, explained
from pipeline.local.record import StepRecord

GROUPS = {"Training": "/aws/sagemaker/TrainingJobs", "Processing": "/aws/sagemaker/ProcessingJobs"}
FIRST_HOST = "algo-1"
MOST_PAGES = 5  # an answer may be empty though there are older lines


@dataclass(frozen=True)
class Line:
    """One line of a log; `moment` is epoch seconds."""

    moment: float
    text: str


@dataclass(frozen=True)
class Job:
    """How a job stands: what it does in one sentence, what it said when it ended, its last metrics."""

    doing: str = ""
    said: tuple[str, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)


def describe_job(account: Account, step: StepRecord) -> Job:
    """The description of a step's job; an empty one for a step without a job, or whose job is not there (yet)."""
    if step.type not in GROUPS or not step.job_name:
        return Job()
    try:
        with explained(f"describing the job {step.job_name}"):
            if step.type == "Training":
                return _training(account.sagemaker.describe_training_job(TrainingJobName=step.job_name))
            return _processing(account.sagemaker.describe_processing_job(ProcessingJobName=step.job_name))
    except Missing:
        return Job()


def _training(answer: Mapping[str, Any]) -> Job:
    transitions = answer.get("SecondaryStatusTransitions") or ()
    message = str(transitions[-1].get("StatusMessage", "")) if transitions else ""
    status = str(answer.get("SecondaryStatus", ""))
    return Job(
        doing=": ".join(text for text in (status, message) if text),
        said=tuple(text for text in (str(answer.get("FailureReason", "")), status, message) if text),
        metrics={row["MetricName"]: float(row["Value"]) for row in answer.get("FinalMetricDataList") or ()},
    )


def _processing(answer: Mapping[str, Any]) -> Job:
    said = (str(answer.get(name, "")) for name in ("ExitMessage", "FailureReason"))
    return Job(doing=str(answer.get("ProcessingJobStatus", "")), said=tuple(text for text in said if text))


def tail(account: Account, step: StepRecord, most: int) -> list[Line]:
    """The last lines of a step's log, oldest first; of several hosts the first one's, of several starts the last.

    None where nothing was logged (yet). Raises AsusuError where the log may not be read.
    """
    group = GROUPS.get(step.type)
    if not group or not step.job_name:
        return []
    try:
        with explained(f"reading the log of {step.job_name}"):
            stream = _stream(account, group, step.job_name)
            return _events(account, group, stream, most) if stream else []
    except Missing:
        return []


def _stream(account: Account, group: str, job: str) -> str:
    pages = (
        account.client("logs")
        .get_paginator("describe_log_streams")
        .paginate(logGroupName=group, logStreamNamePrefix=f"{job}/")
    )
    rows = [row for page in pages for row in page["logStreams"]]
    first = [row for row in rows if row["logStreamName"].startswith(f"{job}/{FIRST_HOST}")] or rows
    newest = max(first, key=lambda row: row.get("creationTime", 0), default=None)
    return str(newest["logStreamName"]) if newest else ""


def _events(account: Account, group: str, stream: str, most: int) -> list[Line]:
    found: list[Line] = []
    token: dict[str, str] = {}
    for _ in range(MOST_PAGES):
        answer = account.client("logs").get_log_events(
            logGroupName=group, logStreamName=stream, limit=most, startFromHead=False, **token
        )
        found = [Line(row["timestamp"] / 1000, row["message"]) for row in answer["events"]] + found
        back = answer.get("nextBackwardToken", "")
        if len(found) >= most or not back or token.get("nextToken") == back:
            break
        token = {"nextToken": back}
    return found[-most:]
