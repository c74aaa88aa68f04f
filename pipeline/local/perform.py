"""What happens in one step, by its type: a result in the record, or the reason why there is none."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.definition import Definition, Step
from pipeline.errors import AsusuError, GateRefused, StepFailed
from pipeline.local import describe, processing, training
from pipeline.local.conditions import all_hold
from pipeline.local.environment import JobKind
from pipeline.local.job import Job, Outcome
from pipeline.local.launch import Launcher
from pipeline.local.ledger import Ledger
from pipeline.local.limits import check_strings
from pipeline.local.names import execution_variables, job_folder, job_name
from pipeline.local.orphans import started_at
from pipeline.local.process import STDOUT_LOG
from pipeline.local.record import epoch_now
from pipeline.local.registry import Registry
from pipeline.local.resolver import Scope, resolve
from pipeline.local.reuse import Reuse
from pipeline.local.store import Copy, Store


@dataclass(frozen=True)
class Platform:
    """What stands in for the service: folders, and how jobs are run. Seconds throughout."""

    workdir: Path
    store: Store
    registry: Registry
    reuse: Reuse
    launcher: Launcher
    grace_seconds: float
    sync_seconds: float
    copy_checkpoint: Copy


def perform(step: Step, definition: Definition, ledger: Ledger, platform: Platform) -> None:
    """Do one step and write down how it ended.

    Raises GateRefused with the message of a Fail step, and StepFailed with the reason of any other step that failed.
    Then, and on KeyboardInterrupt, the step's record says so already.
    """
    try:
        ledger.change(step.name, status="Executing", started=epoch_now())
        changes = _ACTIONS[step.type](step, _scope(definition, ledger, platform), ledger, platform)
    except KeyboardInterrupt:
        _end(step, ledger, status="Stopped", reason="interrupted")
        raise
    except AsusuError as error:
        reason = f"{error.message}; next: {error.hint}" if error.hint else error.message
        _end(step, ledger, status="Failed", reason=reason)
        raise GateRefused(reason) if isinstance(error, GateRefused) else StepFailed(reason) from error
    except OSError as error:
        reason = f"the local platform could not read or write its files: {error}"
        _end(step, ledger, status="Failed", reason=reason)
        raise StepFailed(reason) from error
    except Exception as error:
        _end(step, ledger, status="Failed", reason=f"{type(error).__name__}: {error}")
        raise
    _end(step, ledger, status="Succeeded", **changes)


def _end(step: Step, ledger: Ledger, **changes: Any) -> None:
    ledger.change(step.name, ended=epoch_now(), process=None, **changes)


def _scope(definition: Definition, ledger: Ledger, platform: Platform) -> Scope:
    execution = ledger.execution
    return Scope(
        parameters=execution.parameters,
        execution=execution_variables(
            execution.execution_id, execution.pipeline_name, describe.moment(execution.started), describe.now()
        ),
        steps={record.name: record.describe for record in execution.steps if record.status == "Succeeded"},
        property_files={step.name: {file.name: file for file in step.property_files} for step in definition.steps},
        read=platform.store.read_text,
    )


def _check_condition(step: Step, scope: Scope, ledger: Ledger, platform: Platform) -> Mapping[str, Any]:
    outcome = all_hold(resolve(step.arguments["Conditions"], scope))
    return {"outcome": outcome, "describe": {"Outcome": str(outcome)}}


def _refuse(step: Step, scope: Scope, ledger: Ledger, platform: Platform) -> Mapping[str, Any]:
    raise GateRefused(str(resolve(step.arguments.get("ErrorMessage", ""), scope)))


def _register(step: Step, scope: Scope, ledger: Ledger, platform: Platform) -> Mapping[str, Any]:
    request = resolve(step.arguments, scope)
    for row in (request.get("InferenceSpecification") or {}).get("Containers") or ():
        if row.get("ModelDataUrl") and not platform.store.exists(row["ModelDataUrl"]):
            raise StepFailed(f"the model to register is missing: there is no object {row['ModelDataUrl']}")
    key = platform.reuse.key(step.type, request, "")
    entry = platform.reuse.find(step.name, step.type, key, request)
    if entry:
        return {"reused": True, "describe": platform.registry.package(entry.describe["ModelPackageArn"])}
    package = platform.registry.register(request)
    platform.reuse.keep(key, ledger.change(step.name, describe=package), request, ledger.execution.execution_id)
    return {"describe": package}


def _run_job(step: Step, scope: Scope, ledger: Ledger, platform: Platform) -> Mapping[str, Any]:
    request = resolve(step.arguments, scope)
    check_strings(step.type, request, step.name)
    record = ledger.execution.step(step.name)
    restored = record.restored if record.attempts else platform.reuse.restored(request)
    key = platform.reuse.key(step.type, request, restored)
    entry = platform.reuse.find(step.name, step.type, key, request)
    if entry:
        return {
            "reused": True,
            "describe": entry.describe,
            "job_name": entry.job_name,
            "log_folder": Path(entry.log_folder),
            "exit_code": 0,
        }
    outcome = _run_attempt(step, request, restored, ledger, platform)
    changes = {"describe": outcome.describe, "exit_code": outcome.exit_code}
    record = ledger.change(step.name, **changes)
    if outcome.status != "Completed":
        raise StepFailed(outcome.reason)
    platform.reuse.keep(key, record, request, ledger.execution.execution_id)
    return changes


def _run_attempt(step: Step, request: Mapping[str, Any], restored: str, ledger: Ledger, platform: Platform) -> Outcome:
    """Run the step's job once, as the attempt after the last. Where it succeeds, its copies of the inputs go."""
    execution_id = ledger.execution.execution_id
    attempt = ledger.execution.step(step.name).attempts + 1
    kind: JobKind = "Training" if step.type == "Training" else "Processing"
    folder = job_folder(platform.workdir, execution_id, step.name, attempt)
    job = Job(
        name=job_name(execution_id, step.name, attempt),
        kind=kind,
        folder=folder,
        store=platform.store,
        launcher=platform.launcher,
        grace_seconds=platform.grace_seconds,
        sync_seconds=platform.sync_seconds,
        copy_checkpoint=platform.copy_checkpoint,
        on_start=lambda pid: ledger.change(step.name, process=(pid, started_at(pid))),
        on_line=lambda log, line: ledger.listener.on_line(step.name, line) if log == STDOUT_LOG else None,
    )
    ledger.change(
        step.name,
        attempts=attempt,
        job_name=job.name,
        log_folder=folder,
        restored=restored,
        engine=platform.launcher.engine,
    )
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    outcome = training.run(request, job) if kind == "Training" else processing.run(request, job)
    if outcome.status == "Completed":
        shutil.rmtree(job.base_dir / ("input/data" if kind == "Training" else "processing/input"), ignore_errors=True)
    return outcome


Action = Callable[[Step, Scope, Ledger, Platform], Mapping[str, Any]]

_ACTIONS: Mapping[str, Action] = {
    "Processing": _run_job,
    "Training": _run_job,
    "Condition": _check_condition,
    "Fail": _refuse,
    "RegisterModel": _register,
}
