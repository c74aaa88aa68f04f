"""`asusu start`, `resume`, `stop`: an execution begun, gone on with, ended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from pipeline.cli.checkpointed import RESUME_FROM, SOURCES, earlier_run, refuse_complete
from pipeline.cli.definition import Account, AsJson, Env, Recipe
from pipeline.cli.executions import RunName, Token, executions_of, is_running, token_or_new
from pipeline.cli.noticed import running_beside, stray_definition
from pipeline.cli.outcome import program
from pipeline.cli.run import parse_params
from pipeline.cli.starting import (
    Planned,
    deployed_definition,
    for_machines,
    plan_in_words,
    planned,
    refuse_display_name,
    refuse_other,
    source_for,
)
from pipeline.definition import Definition
from pipeline.errors import AsusuError, BadInput, Interrupted, harmless
from pipeline.runs import Run
from pipeline.runs.selection import TRAINING, canaries_only, from_step, taken_over

Params = Annotated[list[str] | None, typer.Option(help="Run-time parameter, Name=Value; may be repeated")]


def start(
    env: Env = "local",
    account: Account = "",
    recipe: Recipe = "igbo",
    param: Params = None,
    first: Annotated[
        str | None, typer.Option("--from", help="Run this step and those after it, the others taken over from --source")
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="Execution whose results and parameters --from takes over; the newest by default")
    ] = None,
    canary_only: Annotated[
        bool, typer.Option("--canary-only", help="Up to CanaryResume: what proves a run before its long training")
    ] = False,
    name: Annotated[str, typer.Option(help="Display name in the console")] = "",
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """Start the deployed pipeline, where parameters and plan can work. Exit 0 started, 2 bad input, 4 plan refused."""
    if first and canary_only:
        raise BadInput("--from and --canary-only contradict each other", hint="give one of them")
    if source and not first:
        raise BadInput("--source goes with --from, which says what is to run again", hint="--from TrainLora")
    repeated, token, given = bool(token), token_or_new(token), parse_params(param or [])
    refuse_display_name(name)
    place, runs = executions_of(env, account, recipe, f"{program()} run --local")
    definition = deployed_definition(runs)
    steps = from_step(definition, first) if first else canaries_only(definition) if canary_only else ()
    plan = planned(place, runs, definition, given, steps, source_for(runs, definition, steps, source))
    _begin(plan, token, name, as_json, repeated)


def resume(
    run: RunName = None,
    env: Env = "local",
    account: Account = "",
    recipe: Recipe = "igbo",
    checkpoint: Annotated[
        str | None,
        typer.Option(
            metavar="RUN[/checkpoint-STEP]", help="Instead: a new execution that goes on from this one's checkpoint"
        ),
    ] = None,
    param: Params = None,
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """Go on with a run that failed or was stopped: the same execution, so that its checkpoints are found.

    Without RUN the newest; an older failure must be named, since a later run may have done its work.
    """
    repeated, token, given = bool(token), token_or_new(token), parse_params(param or [])
    place, runs = executions_of(env, account, recipe, f"{program()} run --local --resume")
    if checkpoint is not None:
        if run is not None or RESUME_FROM in given:
            raise BadInput("--checkpoint says which run to go on from; leave out RUN and ResumeFrom")
        definition = deployed_definition(runs)
        found, name = earlier_run(runs, checkpoint)
        where = f"{found.execution_id}/{name}" if name else found.execution_id
        before = runs.parameters(found.arn)
        refuse_complete(found, name, before | given != before, place.options)
        parameters = before | given | {RESUME_FROM: where}
        steps = _from_training(definition, found)
        plan = planned(place, runs, definition, parameters, steps, found if steps else None)
        _begin(plan, token, "", as_json, repeated)
        return
    if given:
        raise BadInput(
            "an execution that is gone on with keeps its parameters",
            hint=f"{program()} resume --checkpoint RUN --param ...{place.options}",
        )
    found = runs.run(runs.find(run))
    _refuse_retry(found, place.options)
    with _telling(token):
        runs.retry(found.arn, token)
    _say(found.arn, f"gone on with {runs.pipeline}", token, place.options, as_json)


def stop(
    run: Annotated[str | None, typer.Argument(metavar="[RUN]", help="Id or ARN; without it the one that runs")] = None,
    env: Env = "local",
    account: Account = "",
    recipe: Recipe = "igbo",
    token: Token = "",
    as_json: AsJson = False,
) -> None:
    """Stop an execution. Training seals a checkpoint before it ends, and `resume` goes on from there."""
    token = token_or_new(token)
    place, runs = executions_of(env, account, recipe, "Ctrl-C in the terminal of `run --local`")
    running = [found for found in runs.listed() if is_running(found)] if run is None else []
    if len(running) > 1:
        listed = ", ".join(found.execution_id for found in running)
        raise BadInput(f"{len(running)} executions are running: {listed}", hint="name the one to stop")
    found = runs.run(runs.find(run, is_running, "running "))
    if not found.is_running:
        raise BadInput(f"execution {found.execution_id} has ended already: {found.status}")
    already = found.status == "Stopping"
    if not already:
        runs.stop(found.arn, token)
    if as_json:
        facts = {"execution": found.execution_id, "arn": found.arn, "token": token, "already": already}
        print(json.dumps(facts, indent=2))
        return
    what = "is stopping already" if already else "is stopping"
    print(f"{found.execution_id} {what}: a training job has two minutes to seal a checkpoint")
    print(f"  next:   {program()} watch {found.execution_id}{place.options}")
    print(f"          {program()} resume {found.execution_id}{place.options}")


def _begin(plan: Planned, token: str, name: str, as_json: bool, repeated: bool) -> None:
    """Start it and say so. `repeated`: the token was given, so that it may have been started before."""
    from pipeline.aws.executions import Start

    source = plan.source.arn if plan.source else ""
    before = {run.arn for run in plan.runs.listed()} if repeated else set()
    beside, stray = running_beside(plan), stray_definition(plan)
    with _telling(token):
        arn = plan.runs.start(Start(plan.parameters, token, name, plan.steps, source))
    if arn in before:
        refuse_other(plan, arn)
    plan.notes.extend(note for other, note in beside.items() if other != arn)
    plan.notes.extend(stray)
    if as_json:
        found = for_machines(plan, execution=arn.rsplit("/", 1)[-1], arn=arn, token=token, started_before=arn in before)
        print(json.dumps(found, indent=2, ensure_ascii=False))
        return
    what = f"{plan.runs.pipeline} had been started already" if arn in before else f"started {plan.runs.pipeline}"
    _say(arn, what, token, plan.place.options, False)
    if plan.answer:
        print(f"  plan:   {plan_in_words(plan.answer)}")
    if plan.steps:
        print(f"  steps:  {', '.join(plan.steps)}")
    if plan.source:
        print(f"  reused: {', '.join(plan.reused)} of {plan.source.execution_id}")
    for note in plan.notes:
        print(f"  note:   {harmless(note)}")


@contextmanager
def _telling(token: str) -> Iterator[None]:
    """Tell the token where the answer was lost: what was asked for may have begun, and without it would begin twice."""
    from pipeline.aws.session import Denied, Missing

    again = f"wait a minute, then repeat the same command with --token {token}: what has begun does not begin again"
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted("the answer was not waited for; it may have begun", hint=again) from None
    except AsusuError as error:
        if isinstance(error, (BadInput, Denied, Missing)):
            raise  # an answer: nothing has begun
        raise type(error)(error.message, hint=again) from error  # without the token, it might begin twice


def _say(arn: str, what: str, token: str, options: str, as_json: bool) -> None:
    execution_id = arn.rsplit("/", 1)[-1]
    if as_json:
        print(json.dumps({"execution": execution_id, "arn": arn, "token": token}, indent=2))
        return
    print(f"{what}: execution {execution_id}")
    print(f"  token:  {token}")
    print(f"  next:   {program()} watch {execution_id}{options}")


def _refuse_retry(run: Run, options: str) -> None:
    """Raises BadInput for an execution that would come to the same end, or has not ended."""
    if run.is_running:
        raise BadInput(
            f"execution {run.execution_id} has not ended", hint=f"{program()} watch {run.execution_id}{options}"
        )
    if run.status == "Succeeded":
        raise BadInput(
            f"execution {run.execution_id} has succeeded; there is nothing to go on with",
            hint=f"{program()} runs{options} lists the others; name the one to go on with",
        )
    if run.refused:
        raise BadInput(
            f"execution {run.execution_id} was refused by the gate, and would be again",
            hint=f"{program()} explain {run.execution_id}{options}",
        )


def _from_training(definition: Definition, run: Run) -> tuple[str, ...]:
    """Training and what follows, where the run's earlier results can be taken over; else nothing, which means all."""
    steps = from_step(definition, TRAINING)
    done = {step.name for step in run.steps if step.status == "Succeeded"}
    return steps if run.status in SOURCES and done.issuperset(taken_over(definition, steps)) else ()
