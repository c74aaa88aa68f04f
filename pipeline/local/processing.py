"""One processing job: inputs in, the process, outputs up.

Source: developer guide, "Build your own processing container" and the pages below it. A `Continuous` output is
uploaded at the end as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.errors import BadInput
from pipeline.local import describe
from pipeline.local.job import (
    CONTAINER_ROOT,
    REASON_LIMIT,
    Job,
    JobStatus,
    Outcome,
    exit_reason,
    fetch_input,
    inside,
    start,
    time_out_reason,
    write_config,
)

PROCESSING_ROOT = f"{CONTAINER_ROOT}/processing/"


def run(request: Mapping[str, Any], job: Job) -> Outcome:
    """Run a resolved CreateProcessingJob request.

    Raises BadInput or StepFailed where it cannot start (an empty input, a path outside /opt/ml/processing), and
    OSError where this machine's disk fails the platform.
    """
    started = describe.now()
    _prepare(request, job)
    application = request["AppSpecification"]
    ended = start(job, application, application["ImageUri"], request, own={}, on_line=job.on_line)
    message, readable = _exit_message(job)

    status: JobStatus = "Completed"
    reason = ""
    if ended.timed_out:
        status, reason = "Stopped", time_out_reason(request)
    elif ended.exit_code:
        status, reason = "Failed", message or exit_reason(job, ended)
    elif not readable:
        status, reason = "Failed", "output/message is not UTF-8, which fails a processing job"
    else:
        _upload(request, job)
    document = describe.processing(request, job.name, job.arn, status, started, reason=reason, exit_message=message)
    return Outcome(status, document, ended.exit_code, reason)


def _prepare(request: Mapping[str, Any], job: Job) -> None:
    for row in request.get("ProcessingInputs") or ():
        source, what = row["S3Input"], f"input {row['InputName']!r}"
        fetch_input(job, source["S3Uri"], inside(job, _below_processing(source["LocalPath"], what), what), what)
    for row in _outputs(request):
        what = f"output {row['OutputName']!r}"
        inside(job, _below_processing(row["S3Output"]["LocalPath"], what), what).mkdir(parents=True, exist_ok=True)
    (job.base_dir / "output").mkdir(parents=True, exist_ok=True)
    write_config(
        job,
        "config/processingjobconfig.json",
        {"ProcessingJobArn": job.arn, "ProcessingJobName": job.name, **request},
    )
    write_config(job, "config/resourceconfig.json", {"current_host": "algo-1", "hosts": ["algo-1"]})


def _upload(request: Mapping[str, Any], job: Job) -> None:
    for row in _outputs(request):
        target = row["S3Output"]
        job.store.upload(inside(job, target["LocalPath"], f"output {row['OutputName']!r}"), target["S3Uri"])


def _outputs(request: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list((request.get("ProcessingOutputConfig") or {}).get("Outputs") or ())


def _below_processing(local_path: str, what: str) -> str:
    if not local_path.startswith(PROCESSING_ROOT):
        raise BadInput(f"the LocalPath {local_path!r} of {what} must begin with {PROCESSING_ROOT}")
    return local_path


def _exit_message(job: Job) -> tuple[str, bool]:
    """The first 1,024 bytes of output/message, and whether they are text. A character cut in two is left out."""
    path = job.base_dir / "output" / "message"
    if not path.is_file():
        return "", True
    with path.open("rb") as file:
        data = file.read(REASON_LIMIT)
    try:
        return data.decode("utf-8").strip(), True
    except UnicodeDecodeError as error:
        cut = error.reason == "unexpected end of data" and len(data) == REASON_LIMIT
        return data.decode("utf-8", "ignore").strip(), cut
