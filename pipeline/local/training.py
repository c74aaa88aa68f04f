"""One training job: channels and checkpoints in, the process with its checkpoints synchronised, archives up.

Source: developer guide, "How Amazon SageMaker AI provides training information", "... runs your training image",
"... signals algorithm success and failure", and "Checkpoints in Amazon SageMaker AI".
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from pipeline.local import describe
from pipeline.local.archive import write_archive
from pipeline.local.checkpoints import CheckpointSync
from pipeline.local.job import (
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
from pipeline.local.metrics import MetricReader
from pipeline.local.process import Ended
from pipeline.local.store import regular_files

DEFAULT_CHECKPOINTS = "/opt/ml/checkpoints"


def run(request: Mapping[str, Any], job: Job) -> Outcome:
    """Run a resolved CreateTrainingJob request.

    Raises BadInput or StepFailed where it cannot start (an empty channel, a path outside /opt/ml), and OSError where
    this machine's disk fails the platform. A job stopped at its MaxRuntime keeps its model, as at the service.
    """
    started = describe.now()
    _prepare(request, job)
    algorithm = request["AlgorithmSpecification"]
    metrics = MetricReader(algorithm.get("MetricDefinitions") or ())
    ended, sync_problem = _run_synchronised(request, job, metrics)

    status: JobStatus = "Completed"
    reason = ""
    if ended.timed_out:
        status, reason = "Stopped", time_out_reason(request)
    elif ended.exit_code:
        status, reason = "Failed", _failure_text(job) or exit_reason(job, ended)
    elif sync_problem:
        status, reason = "Failed", f"checkpoints could not be copied to the store: {sync_problem}"
    artifacts = _upload(request, job, with_model=status != "Failed")
    document = describe.training(
        request,
        job.name,
        job.arn,
        status,
        started,
        reason=reason,
        timed_out=ended.timed_out,
        artifacts=artifacts,
        metrics=metrics.final(),
    )
    return Outcome(status, document, ended.exit_code, reason)


def _prepare(request: Mapping[str, Any], job: Job) -> None:
    for row in request.get("InputDataConfig") or ():
        name = row["ChannelName"]
        folder = job.base_dir / "input" / "data" / name
        fetch_input(job, row["DataSource"]["S3DataSource"]["S3Uri"], folder, f"channel {name!r}")
    for name in ("model", "output/data"):
        (job.base_dir / name).mkdir(parents=True, exist_ok=True)
    write_config(job, "input/config/hyperparameters.json", request.get("HyperParameters") or {})
    write_config(job, "input/config/inputdataconfig.json", _channels(request))
    write_config(job, "input/config/resourceconfig.json", _resources(request))


def _channels(request: Mapping[str, Any]) -> dict[str, Any]:
    default_mode = request["AlgorithmSpecification"].get("TrainingInputMode", "File")
    channels = {}
    for row in request.get("InputDataConfig") or ():
        source = row["DataSource"]["S3DataSource"]
        channels[row["ChannelName"]] = {
            **({"ContentType": row["ContentType"]} if row.get("ContentType") else {}),
            "TrainingInputMode": row.get("InputMode") or default_mode,
            "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
            "RecordWrapperType": row.get("RecordWrapperType", "None"),
        }
    return channels


def _resources(request: Mapping[str, Any]) -> dict[str, Any]:
    instance = (request.get("ResourceConfig") or {}).get("InstanceType", "local")
    group = {"instance_group_name": "homogeneousCluster", "instance_type": instance, "hosts": ["algo-1"]}
    return {
        "current_host": "algo-1",
        "current_instance_type": instance,
        "current_group_name": "homogeneousCluster",
        "hosts": ["algo-1"],
        "instance_groups": [group],
        "network_interface_name": "eth0",
    }


def _run_synchronised(request: Mapping[str, Any], job: Job, metrics: MetricReader) -> tuple[Ended, str]:
    """Run the process with its checkpoint folder, if the request has one, kept in the store."""

    def on_line(log: str, line: str) -> None:
        metrics.read(line)
        job.on_line(log, line)

    algorithm = request["AlgorithmSpecification"]
    own = {"TRAINING_JOB_NAME": job.name, "TRAINING_JOB_ARN": job.arn}
    sync = _checkpoint_sync(request, job)
    with ExitStack() as stack:
        if sync:
            sync.restore()
            stack.enter_context(sync)
        ended = start(job, algorithm, algorithm["TrainingImage"], request, own=own, on_line=on_line)
    return ended, sync.problem if sync else ""


def _checkpoint_sync(request: Mapping[str, Any], job: Job) -> CheckpointSync | None:
    config = request.get("CheckpointConfig")
    if not config:
        return None
    folder = inside(job, config.get("LocalPath") or DEFAULT_CHECKPOINTS, "CheckpointConfig")
    return CheckpointSync(
        job.store,
        folder,
        config["S3Uri"],
        every_seconds=job.sync_seconds,
        seed=job.name,
        copy=job.copy_checkpoint,
    )


def _upload(request: Mapping[str, Any], job: Job, *, with_model: bool) -> str:
    """Put the archives where the service puts them; returns the address of the model, empty where it is not kept."""
    config = request["OutputDataConfig"]
    output = f"{config['S3OutputPath'].rstrip('/')}/{job.name}/output"
    packed = config.get("CompressionType", "GZIP") == "GZIP"
    folders = {"model": job.base_dir / "model"} if with_model else {}
    data = job.base_dir / "output" / "data"
    if any(True for _ in regular_files(data)):
        folders["output"] = data
    for name, folder in folders.items():
        if packed:
            archive = job.folder / f"{name}.tar.gz"
            write_archive(folder, archive)
            job.store.put(archive, f"{output}/{name}.tar.gz")
            archive.unlink()
        else:
            job.store.upload(folder, f"{output}/{name}")
    return f"{output}/model{'.tar.gz' if packed else '/'}" if with_model else ""


def _failure_text(job: Job) -> str:
    path = job.base_dir / "output" / "failure"
    return path.read_text(encoding="utf-8", errors="replace")[:REASON_LIMIT].strip() if path.is_file() else ""
