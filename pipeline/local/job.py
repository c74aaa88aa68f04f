"""What processing and training jobs have in common: where a job runs, how it is started, and how it ended."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from pipeline.errors import BadInput, StepFailed
from pipeline.local.environment import JobKind
from pipeline.local.launch import Launcher, Work
from pipeline.local.names import ACCOUNT
from pipeline.local.process import STDERR_LOG, Ended, Limits, run_process
from pipeline.local.store import Copy, Store

CONTAINER_ROOT = PurePosixPath("/opt/ml")
REASON_LIMIT = 1024  # characters of output/failure, bytes of output/message (developer guide)
DEFAULT_RUN_SECONDS = 86_400  # CreateTrainingJob and CreateProcessingJob without a StoppingCondition: one day

JobStatus = Literal["Completed", "Failed", "Stopped"]


@dataclass(frozen=True)
class Job:
    """One job that is about to run, and the platform around it.

    `folder` is the job's own and empty; `ml` in it stands for the container's `/opt/ml`. Seconds throughout.
    """

    name: str
    kind: JobKind
    folder: Path
    store: Store
    launcher: Launcher
    grace_seconds: float
    sync_seconds: float
    copy_checkpoint: Copy
    on_start: Callable[[int], object]
    on_line: Callable[[str, str], object]

    @property
    def base_dir(self) -> Path:
        """What SAGEMAKER_BASE_DIR is inside the job."""
        return self.folder / "ml"

    @property
    def arn(self) -> str:
        return f"{ACCOUNT}:{self.kind.lower()}-job/{self.name}"


@dataclass(frozen=True)
class Outcome:
    """How a job ended. `describe` is what the service's Describe call would answer; `exit_code` None: never started."""

    status: JobStatus
    describe: Mapping[str, Any]
    exit_code: int | None = None
    reason: str = ""


def inside(job: Job, local_path: str, what: str) -> Path:
    """Where a container path, e.g. `/opt/ml/processing/input/x`, lies here. Raises BadInput outside `/opt/ml`."""
    path = PurePosixPath(local_path)
    if not path.is_relative_to(CONTAINER_ROOT) or ".." in path.parts:
        raise BadInput(f"the LocalPath {local_path!r} of {what} does not lie below {CONTAINER_ROOT}")
    return job.base_dir / path.relative_to(CONTAINER_ROOT)


def fetch_input(job: Job, uri: Any, folder: Path, what: str) -> None:
    """Copy an input into its folder. Raises StepFailed where nothing lies at the address, as the service does."""
    if not isinstance(uri, str):
        raise BadInput(f"the S3Uri of {what} must be text, but it is {uri!r}")
    if not job.store.download(uri, folder):
        raise StepFailed(
            f"no S3 objects found under the address {uri} of {what}: the service refuses an empty input",
            hint=f"put at least one object there; on this machine it is {job.store.path(uri)}",
        )


def start(
    job: Job,
    application: Mapping[str, Any],
    image: str,
    request: Mapping[str, Any],
    *,
    own: Mapping[str, str],
    on_line: Callable[[str, str], object],
) -> Ended:
    """Run the job's process to its end. `own` holds variables that only this kind of job has."""
    environment = {**(request.get("Environment") or {}), **own}
    launch = job.launcher.launch(Work(job.name, job.kind, image, application, environment, job.folder, job.base_dir))
    stopping = request.get("StoppingCondition") or {}
    limits = Limits(float(stopping.get("MaxRuntimeInSeconds", DEFAULT_RUN_SECONDS)), job.grace_seconds)
    try:
        ended = run_process(
            launch.command,
            environment=launch.environment,
            cwd=launch.cwd,
            logs=job.folder,
            limits=limits,
            on_start=job.on_start,
            on_line=on_line,
        )
        return replace(ended, exit_code=launch.exit_code(ended.exit_code))
    finally:
        launch.clear_away()


def time_out_reason(request: Mapping[str, Any]) -> str:
    """Why a job that ran too long was stopped."""
    seconds = (request.get("StoppingCondition") or {}).get("MaxRuntimeInSeconds", DEFAULT_RUN_SECONDS)
    return f"MaxRuntimeExceeded: the job was stopped after MaxRuntimeInSeconds={seconds}"


def exit_reason(job: Job, ended: Ended) -> str:
    """Why a process without words of its own failed, and where its log lies."""
    return f"the process {ended.in_words()}; log: {job.folder / STDERR_LOG}"


def write_config(job: Job, name: str, value: Any) -> None:
    """Write one of the JSON files that the platform puts into a container; `name` is relative to `/opt/ml`."""
    path = job.base_dir / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2), encoding="utf-8")
