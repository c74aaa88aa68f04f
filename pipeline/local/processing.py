"""One processing job: inputs in, the process, outputs up; on several hosts one after the other.

Source: developer guide, "Build your own processing container" and the pages below it. A `Continuous` output is
uploaded at the end as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
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

    Each of several hosts has folders of its own and its part of the inputs that are `ShardedByS3Key`; outputs go up when
    all hosts have succeeded. Raises BadInput or StepFailed where it cannot start (an empty input, a path outside
    /opt/ml/processing), and OSError where this machine's disk fails the platform.
    """
    started = describe.now()
    hosts = _hosts(request, job)
    status: JobStatus = "Completed"
    reason, message, exit_code = "", "", 0
    for place, host in enumerate(hosts):
        _prepare(request, host, place, len(hosts))
        status, reason, message, exit_code = _run_host(request, host)
        if status != "Completed":
            break
    else:
        for host in hosts:
            _upload(request, host)
    document = describe.processing(request, job.name, job.arn, status, started, reason=reason, exit_message=message)
    return Outcome(status, document, exit_code, reason)


def _hosts(request: Mapping[str, Any], job: Job) -> list[Job]:
    """The job as each host sees it; a single host has the job's own folder."""
    count = ((request.get("ProcessingResources") or {}).get("ClusterConfig") or {}).get("InstanceCount", 1)
    return [job] if count == 1 else [replace(job, folder=job.folder / name) for name in _host_names(count)]


def _host_names(count: int) -> list[str]:
    return [f"algo-{number}" for number in range(1, count + 1)]


def _run_host(request: Mapping[str, Any], job: Job) -> tuple[JobStatus, str, str, int]:
    """Status, reason, exit message and exit code of the process on one host."""
    application = request["AppSpecification"]
    ended = start(job, application, application["ImageUri"], request, own={}, on_line=job.on_line)
    message, readable = _exit_message(job)
    if ended.timed_out:
        return "Stopped", time_out_reason(request), message, ended.exit_code
    if ended.exit_code:
        return "Failed", message or exit_reason(job, ended), message, ended.exit_code
    if not readable:
        return "Failed", "output/message is not UTF-8, which fails a processing job", message, ended.exit_code
    return "Completed", "", message, ended.exit_code


def _prepare(request: Mapping[str, Any], job: Job, place: int, hosts: int) -> None:
    for row in request.get("ProcessingInputs") or ():
        source, what = row["S3Input"], f"input {row['InputName']!r}"
        folder = inside(job, _below_processing(source["LocalPath"], what), what)
        fetch_input(job, source["S3Uri"], folder, what)
        if source.get("S3DataDistributionType") == "ShardedByS3Key":
            _keep_share(folder, place, hosts)
    for row in _outputs(request):
        what = f"output {row['OutputName']!r}"
        inside(job, _below_processing(row["S3Output"]["LocalPath"], what), what).mkdir(parents=True, exist_ok=True)
    (job.base_dir / "output").mkdir(parents=True, exist_ok=True)
    write_config(
        job,
        "config/processingjobconfig.json",
        {"ProcessingJobArn": job.arn, "ProcessingJobName": job.name, **request},
    )
    names = _host_names(hosts)
    write_config(job, "config/resourceconfig.json", {"current_host": names[place], "hosts": names})


def _keep_share(folder: Path, place: int, hosts: int) -> None:
    """Leave one host's objects: every n-th by name. Which ones the service gives a host is not documented."""
    for number, path in enumerate(sorted(path for path in folder.rglob("*") if path.is_file())):
        if number % hosts != place:
            path.unlink()


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
