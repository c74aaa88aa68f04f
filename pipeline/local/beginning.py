"""How an execution begins: afresh, or where an earlier one was left; and what killed runners left behind."""

from __future__ import annotations

import secrets
import string
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from pipeline.definition import Definition, digest
from pipeline.errors import BadInput
from pipeline.local.engine import Engine
from pipeline.local.orphans import end_orphan
from pipeline.local.parameters import Scalar, cast
from pipeline.local.record import EXECUTION_ID, Execution, StepRecord, epoch_now, load_all, save

ALPHABET = string.ascii_lowercase + string.digits
KILLED = "the runner was killed"
START_AGAIN = "run again without --resume: finished steps are reused from the cache where they still apply"


def new_id(wanted: str | None, workdir: Path) -> str:
    """Twelve lower-case letters and digits, as the service's execution ids. Raises BadInput for a wanted id in use."""
    if wanted is None:
        return "".join(secrets.choice(ALPHABET) for _ in range(12))
    if not EXECUTION_ID.fullmatch(wanted):
        raise BadInput(f"the execution id {wanted!r} is not 12 lower-case letters and digits")
    if any(execution.execution_id == wanted for execution in load_all(workdir)):
        raise BadInput(f"there already is an execution {wanted} in {workdir}")
    return wanted


def afresh(
    definition: Definition, text: str, values: Mapping[str, Scalar], *, pipeline_name: str, execution_id: str
) -> Execution:
    """A new execution, all steps pending, in the order of the definition."""
    steps = tuple(StepRecord(step.name, step.type) for step in definition.steps)
    return Execution(execution_id, pipeline_name, digest(text), dict(values), steps, started=epoch_now())


def resumed(
    workdir: Path, definition: Definition, text: str, given: Mapping[str, str], *, pipeline_name: str
) -> Execution:
    """The newest unfinished execution of that pipeline, its succeeded steps kept and the others pending again.

    Unfinished: neither succeeded nor ended by its own Fail step. Raises BadInput where there is none, where the
    definition has changed since, and where a given parameter differs from the recorded one.
    """
    unfinished = [
        execution
        for execution in load_all(workdir)
        if execution.pipeline_name == pipeline_name and execution.status != "Succeeded" and not execution.refused
    ]
    if not unfinished:
        raise BadInput(f"there is nothing to resume in {workdir}", hint="run without --resume")
    execution = unfinished[-1]
    if execution.definition_digest != digest(text):
        raise BadInput(f"the definition has changed since execution {execution.execution_id} began", hint=START_AGAIN)
    _check_same(definition, given, execution)
    return replace(
        execution,
        status="Executing",
        ended=None,
        failure_reason="",
        steps=tuple(_pending_again(record) for record in execution.steps),
    )


def end_orphans(workdir: Path) -> None:
    """End job processes whose runner was killed, and mark their executions and steps as stopped.

    To be called by the holder of the work directory's lock: then no execution can truly be executing.
    """
    for execution in load_all(workdir):
        if execution.status == "Executing":
            steps = tuple(_ended(record) for record in execution.steps)
            save(workdir, replace(execution, status="Stopped", steps=steps, failure_reason=KILLED, ended=epoch_now()))


def _ended(record: StepRecord) -> StepRecord:
    if record.process:
        end_orphan(*record.process)
    if record.status != "Executing":
        return record
    if record.engine:
        Engine(record.engine).remove(record.job_name)
    return replace(record, status="Stopped", process=None, reason=KILLED, ended=epoch_now())


def _check_same(definition: Definition, given: Mapping[str, str], execution: Execution) -> None:
    declared = {parameter.name: parameter for parameter in definition.parameters}
    for name, text in given.items():
        if name not in declared:
            raise BadInput(f"{name} is not a parameter; known: {', '.join(declared) or 'none'}")
        try:
            value = cast(declared[name], text)
        except ValueError as error:
            raise BadInput(str(error)) from error
        if value != execution.parameters.get(name):
            raise BadInput(
                f"execution {execution.execution_id} began with {name}={execution.parameters.get(name)}, not {text}",
                hint=START_AGAIN,
            )


def _pending_again(record: StepRecord) -> StepRecord:
    """Kept: what succeeded or was skipped. Else pending, with the count of attempts and what the first one found."""
    if record.status in ("Succeeded", "Skipped"):
        return record
    return StepRecord(record.name, record.type, attempts=record.attempts, restored=record.restored)
