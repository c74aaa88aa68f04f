"""What to type next about a run, in the place where it is."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli.deployed import Deployed
from pipeline.cli.outcome import place_of, program
from pipeline.runs import Run
from pipeline.runs.causes import Commands
from pipeline.runs.selection import BEHIND_CANARIES, TRAINING
from steps.parameters import PARAMETERS, ParameterError, parse_value

if TYPE_CHECKING:
    from pipeline.aws.executions import Executions

NOT_KNOWN = "..."  # stands for a value that only a person knows


def commands_of_account(run: Run, place: Deployed, sealed: bool = True) -> Commands:
    """What to type about a run, its parameters known, in its place. `sealed`: its long training can be gone on from."""
    asusu, options, which = program(), place.options, f"{run.execution_id}{place.options}"
    start = f"{asusu} start{_selection(run)}{options}{_given(run, place)}"
    step = run.failed_step.name if run.failed_step else ""
    kept = step in BEHIND_CANARIES and run.status == "Failed"  # only such a run can be a source
    again = f"{asusu} start --from {step} --source {which}" if kept else start
    return Commands(
        resume=f"{asusu} resume {which}",
        start=start,
        again=again,
        other=f"{asusu} resume --checkpoint {which}" if step == TRAINING and sealed else again,
        params=f"{asusu} params",
        preflight=f"{asusu} preflight{options}",
        publish=f"{asusu} publish{options}",
        upsert=f"{asusu} upsert{options}",
        checkpoints=f"{asusu} checkpoints {which}",
        watch=f"{asusu} watch {which}",
        infra=place.remedies.aimed("make infra"),
        images=place.remedies.aimed("make push-images"),
    )


def first_start(place: Deployed) -> str:
    """What starts a run of a pipeline that has none to go by, what must be given left open."""
    usual = place.settings.start_parameters
    needed = [row.name for row in PARAMETERS if row.default is None and row.name not in usual]
    return f"{program()} start{place.options}" + "".join(f" --param {name}={NOT_KNOWN}" for name in needed)


def is_trained(run: Run) -> bool:
    """Whether its long training has ended by itself: its checkpoints hold nothing unfinished."""
    return any(step.name == TRAINING and step.status == "Succeeded" for step in run.steps)


def after_success(run: Run, runs: Executions, place: Deployed) -> str:
    """What comes after a run that succeeded: a look at its version; after its canaries alone, the whole run."""
    if run.package:
        return f"{program()} packages{place.options}"
    if is_trained(run) or run.source:
        return f"{program()} runs{place.options}"
    whole = replace(run, parameters=runs.parameters(run.arn), selected=(), source="")
    return commands_of_account(whole, place).start


def after_checkpoints(run: Run, runs: Executions, place: Deployed, sealed: bool) -> str:
    """What comes after a look at a run's checkpoints. `sealed`: one of its long training can be gone on from."""
    which = f"{run.execution_id}{place.options}"
    if run.is_running:
        return f"{program()} watch {which}"
    if run.status == "Succeeded":
        return after_success(run, runs, place)
    if run.refused or not (sealed or is_trained(run)):
        return f"{program()} explain {which}"
    return f"{program()} resume {which}"  # where it is trained, what came after is done again


def commands_of_this_machine(run: Run, workdir: Path) -> Commands:
    """What to type about a run of a work directory."""
    asusu, place = program(), place_of(workdir)
    start = f"{asusu} run --local{place}"
    trained = run.failed_step is not None and run.failed_step.name == TRAINING
    return Commands(
        resume=f"{start} --resume",
        start=start,
        again=start,  # finished steps are found again
        other=f"{start} --param ResumeFrom={run.execution_id}" if trained else start,
        params=f"{asusu} params",
        preflight=f"{asusu} doctor",
        publish=f"{start} --corpus FILE",
        upsert=start,
        checkpoints=f"{asusu} checkpoints{place}",
        watch=f"look at the terminal that runs it, or {asusu} runs{place}",
        infra="make infra",
        images="make images-cpu",
    )


def _selection(run: Run) -> str:
    """Options that choose the same steps."""
    if run.source:
        return f" --from {run.selected[0]} --source {run.source.rsplit('/', 1)[-1]}"
    return " --canary-only" if run.selected else ""


def _given(run: Run, place: Deployed) -> str:
    """Options that give a start what this run was given, as far as it would not come by itself."""
    usual = {row.name: row.default for row in PARAMETERS if row.default is not None} | place.settings.start_parameters
    told = [f"{name}={value}" for name, value in run.parameters.items() if not _same(name, value, usual.get(name))]
    return "".join(f" --param {shlex.quote(pair)}" for pair in told)


def _same(name: str, value: str, usual: object) -> bool:
    try:
        return usual is not None and parse_value(name, value) == parse_value(name, str(usual))
    except ParameterError:
        return False
