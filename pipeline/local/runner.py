"""Runs a compiled definition on this machine, step by step, in one order that the text decides.

Honoured: parameters, references, functions, conditions, DependsOn, property files. Passed over, because nothing here
can cause or needs them: RetryPolicies (capacity, throttling), CacheConfig (see `cache`), roles, keys, networks, tags
and instance types. The first step that fails ends the execution, and the steps after it stay pending.
"""

from __future__ import annotations

import shutil
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from pipeline.definition import Definition, Step, in_order, needs, read
from pipeline.errors import GateRefused, StepFailed
from pipeline.local import beginning, describe
from pipeline.local.cache import Cache, Sums
from pipeline.local.checks import check_definition
from pipeline.local.environment import CommandFor, command_for
from pipeline.local.launch import Launcher, Processes
from pipeline.local.ledger import Ledger, Listener, Silent
from pipeline.local.names import execution_variables
from pipeline.local.parameters import Scalar, typed_parameters
from pipeline.local.perform import Platform, perform
from pipeline.local.record import Execution, load_all, save_definition
from pipeline.local.registry import Registry
from pipeline.local.requests import check_requests
from pipeline.local.resolver import Scope
from pipeline.local.reuse import Reuse
from pipeline.local.store import Copy, Store
from pipeline.local.workplace import locked

__all__ = ["Listener", "Options", "Silent", "interruptible", "run"]

SIGNALS = (signal.SIGTERM, signal.SIGHUP)
SILENT = Silent()


@dataclass(frozen=True)
class Options:
    """How to run.

    `resume`: go on with the newest unfinished execution. `grace_seconds`: between SIGTERM and SIGKILL, 120 at the
    service. `sync_seconds`: between two copies of the checkpoint folder. `launcher`: how jobs are started, by default
    as processes, for which there are `command_for`: image and kind to command line, by default
    `environment.command_for`, and `code_version`: what stands for the programs in cache keys, by default a sum over
    the package `steps`. `execution_id`: 12 letters and digits, by default random. `force`: steps that
    run even if the cache has them. `copy_checkpoint`: copies one checkpoint file to the store. `first`: called with the
    work directory once it is held, before anything is recorded; where it raises, nothing is run.
    """

    resume: bool = False
    grace_seconds: float = 120
    sync_seconds: float = 2
    launcher: Launcher | None = None
    command_for: CommandFor | None = None
    execution_id: str | None = None
    force: frozenset[str] = frozenset()
    code_version: str | None = None
    copy_checkpoint: Copy = shutil.copyfile
    first: Callable[[Path], None] | None = None


def run(
    definition_text: str,
    parameters: Mapping[str, str],
    workdir: Path,
    *,
    pipeline_name: str = "asusu-igbo",
    options: Options = Options(),
    listener: Listener = SILENT,
) -> Execution:
    """Run a definition to its end and return the record, whatever the end: Succeeded, Failed or Stopped.

    Stopped is what Ctrl-C and SIGTERM lead to. Raises BadInput, before anything runs, for a definition or parameters
    that cannot work, a work directory that cannot be written or is in use, and nothing to resume.
    """
    definition = read(definition_text)
    check_definition(definition)
    launcher = options.launcher or Processes(options.command_for or command_for, options.code_version)
    workdir = workdir.absolute()
    if options.resume:
        beginning.resumed(workdir, definition, definition_text, parameters, pipeline_name=pipeline_name)
    else:
        values = typed_parameters(definition, parameters)
        _check_jobs(definition, values, pipeline_name, launcher)
    with locked(workdir):
        beginning.end_orphans(workdir)
        if options.first:
            options.first(workdir)
        if options.resume:
            execution = beginning.resumed(workdir, definition, definition_text, parameters, pipeline_name=pipeline_name)
            _check_jobs(definition, execution.parameters, pipeline_name, launcher)
        else:
            execution_id = beginning.new_id(options.execution_id, workdir)
            execution = beginning.afresh(
                definition, definition_text, values, pipeline_name=pipeline_name, execution_id=execution_id
            )
            save_definition(workdir, execution_id, definition_text)
        ledger = Ledger(workdir, execution, listener)
        for record in execution.steps:
            if record.status != "Pending":
                listener.on_step(record)
        return _run_steps(definition, ledger, _platform(workdir, execution.execution_id, launcher, options))


def _check_jobs(definition: Definition, values: Mapping[str, Scalar], pipeline_name: str, launcher: Launcher) -> None:
    now = describe.now()
    check_requests(definition, Scope(values, execution_variables("0" * 12, pipeline_name, now, now)), launcher.check)


def _platform(workdir: Path, execution_id: str, launcher: Launcher, options: Options) -> Platform:
    store, registry = Store(workdir / "s3"), Registry(workdir / "registry")
    known = {execution.execution_id for execution in load_all(workdir)} | {execution_id}
    cache = workdir / "cache"
    reuse = Reuse(
        cache=Cache(cache, Sums(cache / "sums.json", store)),
        store=store,
        registry=registry,
        version=launcher.version,
        execution_ids=tuple(sorted(known)),
        force=options.force,
    )
    return Platform(
        workdir=workdir,
        store=store,
        registry=registry,
        reuse=reuse,
        launcher=launcher,
        grace_seconds=options.grace_seconds,
        sync_seconds=options.sync_seconds,
        copy_checkpoint=options.copy_checkpoint,
    )


def _run_steps(definition: Definition, ledger: Ledger, platform: Platform) -> Execution:
    try:
        with interruptible():
            for step in in_order(definition):
                if ledger.execution.step(step.name).status in ("Succeeded", "Skipped"):
                    continue
                if _left_out(step, ledger.execution):
                    ledger.change(step.name, status="Skipped")
                else:
                    perform(step, definition, ledger, platform)
    except KeyboardInterrupt:
        return ledger.end("Stopped", "interrupted")
    except GateRefused as error:
        return ledger.end("Failed", error.message, refused=True)
    except StepFailed as error:
        return ledger.end("Failed", f"step {step.name} failed: {error.message}")
    except BaseException as error:
        ledger.end("Failed", f"{type(error).__name__}: {error}")
        raise
    return ledger.end("Succeeded")


def _left_out(step: Step, execution: Execution) -> bool:
    """Is the step in a branch that was not taken, or does it need a step that was left out?"""
    if step.branch and execution.step(step.branch[0]).outcome != (step.branch[1] == "If"):
        return True
    return any(execution.step(name).status == "Skipped" for name in needs(step))


@contextmanager
def interruptible() -> Iterator[None]:
    """While the block runs, SIGTERM and SIGHUP interrupt it as Ctrl-C does (only possible in the main thread)."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
