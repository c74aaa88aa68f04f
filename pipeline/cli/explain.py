"""`asusu explain`: which step ended a run, the cause in words, the lines that show it, and the next command."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pipeline.cli.definition import Account, AsJson, Env, Recipe
from pipeline.cli.deployed import Deployed
from pipeline.cli.executions import RunName, did_not_succeed, executions_of
from pipeline.cli.following import commands_of_account, commands_of_this_machine
from pipeline.cli.outcome import place_of, program
from pipeline.cli.staging import DEFAULT_WORKDIR, Workdir
from pipeline.errors import AsusuError, BadInput, harmless
from pipeline.local import record
from pipeline.local.process import STDERR_LOG, STDOUT_LOG
from pipeline.runs import Run, of_this_machine
from pipeline.runs.explain import Evidence, Explanation
from pipeline.runs.explain import explain as explain_run
from pipeline.runs.selection import TRAINING

if TYPE_CHECKING:
    from pipeline.aws.executions import Executions

LINES = 200  # of a log's end; what is shown of them is less
LINE, INDENT = "\n", " " * 10
T = TypeVar("T")


def explain(
    run: RunName = None,
    env: Env = "local",
    account: Account = "",
    recipe: Recipe = "igbo",
    workdir: Workdir = DEFAULT_WORKDIR,
    as_json: AsJson = False,
) -> None:
    """Explain an execution, here or in an account; without RUN the newest that did not succeed, else the newest."""
    found = _of_this_machine(run, workdir) if env == "local" else _of_account(run, env, account, recipe)
    if as_json:
        print(json.dumps(found.for_machines(), indent=2, ensure_ascii=False))
    else:
        print_explanation(found)


def explained_in_account(run: Run, runs: Executions, place: Deployed) -> Explanation:
    """Explain a run of an account, with what its job and its log say."""
    from pipeline.aws.logs import describe_job, tail

    step = run.failed_step
    evidence = Evidence()
    if step and not run.refused:
        said, unsaid = _where_allowed(lambda: describe_job(runs.account, step).said)
        lines, missing = _where_allowed(lambda: tuple(line.text for line in tail(runs.account, step, LINES)))
        evidence = Evidence(said, lines, unsaid, missing)
    given, _ = _where_allowed(lambda: tuple(runs.parameters(run.arn).items()))
    sealed = step is None or step.name != TRAINING or _is_sealed(run, runs)
    return explain_run(run, evidence, commands_of_account(replace(run, parameters=dict(given)), place, sealed))


def _is_sealed(run: Run, runs: Executions) -> bool:
    """Whether a checkpoint of its long training can be gone on from, as far as that may be asked."""
    from pipeline.aws.checkpoints import checkpoints_of

    try:
        found = checkpoints_of(runs.account, runs.definition(run.arn), run.execution_id, runs.pipeline)
    except AsusuError:
        return True
    return any(row.state == "sealed" and TRAINING in row.steps for row in found)


def _where_allowed(ask: Callable[[], tuple[T, ...]]) -> tuple[tuple[T, ...], str]:
    """The answer, or nothing and why there is none. Raises BadInput for what a person must mend first."""
    try:
        return ask(), ""
    except BadInput:
        raise
    except AsusuError as error:
        return (), error.message


def print_explanation(found: Explanation) -> None:
    """Print an explanation; what a log or a service said is shown harmless."""
    where = f" in {found.step}" if found.step else ""
    print(f"{found.execution}: {found.outcome}{where}")
    print(f"  cause:  {harmless(found.cause)}")
    if found.said:
        print(f"  said:   {harmless(found.said).replace(LINE, LINE + INDENT)}")
    if found.unsaid:
        print(f"  job:    not described, {harmless(found.unsaid)}")
    for label, line in zip(["log:", *[""] * len(found.lines)], found.lines, strict=False):
        print(f"  {label:<7} {harmless(line)}")
    if found.missing:
        print(f"  log:    not read, {harmless(found.missing)}")
    for label, line in zip(["next:", *[""] * len(found.next)], found.next, strict=False):
        print(f"  {label:<7} {line}")


def _of_account(reference: str | None, env: str, account: str, recipe: str) -> Explanation:
    place, runs = executions_of(env, account, recipe, "")
    if reference is None:
        listed = runs.listed()
        fitting = next((run for run in listed if did_not_succeed(run)), None)
        arn = fitting.arn if fitting else runs.find(None)
    else:
        arn = runs.find(reference)
    return explained_in_account(runs.run(arn), runs, place)


def _of_this_machine(reference: str | None, workdir: Path) -> Explanation:
    if reference is not None:
        found = record.load(workdir.absolute(), reference)
    else:
        known = list(reversed(record.load_all(workdir.absolute())))
        if not known:
            raise BadInput(f"nothing has run in {workdir}", hint=f"{program()} run --local{place_of(workdir)}")
        found = next((run for run in known if run.status not in ("Succeeded", "Executing")), known[0])
    run = of_this_machine(found)
    step = run.failed_step
    evidence = Evidence(lines=_local_lines(step.log_folder)) if step and step.log_folder else Evidence()
    return explain_run(run, evidence, commands_of_this_machine(run, workdir))


def _local_lines(folder: Path) -> tuple[str, ...]:
    """The ends of both logs: what the step printed, then what it complained of."""
    lines: list[str] = []
    for name in (STDOUT_LOG, STDERR_LOG):
        path = folder / name
        if path.is_file():
            with path.open(encoding="utf-8", errors="replace") as file:
                lines += [line.rstrip("\n") for line in deque(file, LINES)]
    return tuple(lines)
