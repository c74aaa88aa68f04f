"""The record of an execution: `<workdir>/executions/<execution id>.json`, rewritten whole at every change."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from pipeline.errors import BadInput
from pipeline.local.files import write_atomically, write_text_atomically
from pipeline.local.parameters import Scalar

StepStatus = Literal["Pending", "Executing", "Succeeded", "Failed", "Stopped", "Skipped"]
ExecutionStatus = Literal["Executing", "Succeeded", "Failed", "Stopped"]

EXECUTION_ID = re.compile(r"[a-z0-9]{12}")
DEFINITION_SUFFIX = ".definition"


@dataclass(frozen=True)
class StepRecord:
    """One step of an execution. `started` and `ended` are epoch seconds.

    `reused`: its result comes from the cache, `job_name`, `log_folder` and `describe` then being those of the job that
    made it. `outcome` is a Condition's answer. `process` is (id, start) of the running job, to find it again after a
    crash. `engine`: the one that the job's container, called `job_name`, is left to; empty without a container.
    `restored` is the sum over the checkpoints that lay ready when the step was first tried.
    """

    name: str
    type: str
    status: StepStatus = "Pending"
    reused: bool = False
    attempts: int = 0
    started: float | None = None
    ended: float | None = None
    reason: str = ""
    job_name: str = ""
    exit_code: int | None = None
    log_folder: Path | None = None
    outcome: bool | None = None
    process: tuple[int, str] | None = None
    engine: str = ""
    restored: str = ""
    describe: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Execution:
    """One execution. `refused`: it ended in a Fail step, by the pipeline's own decision."""

    execution_id: str
    pipeline_name: str
    definition_digest: str
    parameters: Mapping[str, Scalar]
    steps: tuple[StepRecord, ...]
    started: float
    status: ExecutionStatus = "Executing"
    ended: float | None = None
    failure_reason: str = ""
    refused: bool = False

    def step(self, name: str) -> StepRecord:
        """The record of that step. Raises BadInput when there is none."""
        for record in self.steps:
            if record.name == name:
                return record
        raise BadInput(f"execution {self.execution_id} has no step {name!r}")

    def with_step(self, record: StepRecord) -> Execution:
        """This execution with one step's record exchanged."""
        return replace(self, steps=tuple(record if old.name == record.name else old for old in self.steps))


def epoch_now() -> float:
    """This moment in epoch seconds, to the microsecond that a record keeps."""
    return round(time.time(), 6)


def save(workdir: Path, execution: Execution) -> None:
    """Write the record; a reader sees the old one or the new one."""
    row = asdict(execution)
    row.update(started=_iso(execution.started), ended=_iso(execution.ended))
    for step, record in zip(row["steps"], execution.steps, strict=True):
        folder = str(record.log_folder) if record.log_folder else None
        step.update(started=_iso(record.started), ended=_iso(record.ended), log_folder=folder)
    write_atomically(_path(workdir, execution.execution_id), row)


def save_definition(workdir: Path, execution_id: str, text: str) -> None:
    """Keep the text of the definition beside the record."""
    write_text_atomically(_path(workdir, execution_id).with_suffix(DEFINITION_SUFFIX + ".json"), text)


def load_definition(workdir: Path, execution_id: str) -> str:
    """The text of an execution's definition. Raises BadInput where it is gone."""
    path = _path(workdir, execution_id).with_suffix(DEFINITION_SUFFIX + ".json")
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise BadInput(
            f"the definition of execution {execution_id} cannot be read: {error.strerror or error}"
        ) from error


def load(workdir: Path, execution_id: str) -> Execution:
    """Read one record. Raises BadInput where it does not exist or cannot be understood."""
    path = _path(workdir, execution_id)
    try:
        row = json.loads(path.read_text(encoding="utf-8"))
        return _execution(row)
    except FileNotFoundError as error:
        known = ", ".join(_ids(workdir)) or "none"
        raise BadInput(f"there is no execution {execution_id!r} in {workdir}; known: {known}") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadInput(
            f"the execution record {path} is damaged: {type(error).__name__} {error}",
            hint=f"move it away and run again; finished steps are found in the cache of {workdir}",
        ) from error


def load_all(workdir: Path) -> list[Execution]:
    """Every record, oldest start first. Raises BadInput for a damaged one."""
    return sorted((load(workdir, name) for name in _ids(workdir)), key=lambda execution: execution.started)


def latest(workdir: Path) -> Execution | None:
    """The execution that was started last, None where there is none. Raises BadInput for a damaged record."""
    executions = load_all(workdir)
    return executions[-1] if executions else None


def _path(workdir: Path, execution_id: str) -> Path:
    return workdir / "executions" / f"{execution_id}.json"


def _ids(workdir: Path) -> list[str]:
    names = (path.name.removesuffix(".json") for path in (workdir / "executions").glob("*.json"))
    return sorted(name for name in names if EXECUTION_ID.fullmatch(name))


def _execution(row: dict[str, Any]) -> Execution:
    steps = tuple(_step(item) for item in row.pop("steps"))
    if row["status"] not in get_args(ExecutionStatus):
        raise ValueError(f"unknown status {row['status']!r}")
    started = _seconds(row.pop("started"))
    if started is None:
        raise ValueError("it has no start time")
    return Execution(**{**row, "steps": steps, "started": started, "ended": _seconds(row["ended"])})


def _step(row: dict[str, Any]) -> StepRecord:
    if row["status"] not in get_args(StepStatus):
        raise ValueError(f"unknown status {row['status']!r}")
    process = (int(row["process"][0]), str(row["process"][1])) if row["process"] else None
    folder = Path(row["log_folder"]) if row["log_folder"] else None
    times = {"started": _seconds(row["started"]), "ended": _seconds(row["ended"])}
    return StepRecord(**{**row, **times, "process": process, "log_folder": folder})


def _iso(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat()


def _seconds(text: str | None) -> float | None:
    return None if text is None else datetime.fromisoformat(text).timestamp()
