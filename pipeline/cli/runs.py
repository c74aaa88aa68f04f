"""`asusu runs`, `asusu checkpoints`: what has run, here or in an account, and what is really stored of its training."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from pipeline.cli.definition import Account, AsJson, Env, Recipe
from pipeline.cli.executions import RunName, executions_of
from pipeline.cli.following import after_checkpoints, first_start, is_trained
from pipeline.cli.outcome import place_of, program
from pipeline.cli.staging import DEFAULT_WORKDIR, Workdir
from pipeline.definition import read
from pipeline.errors import BadInput, harmless
from pipeline.local import record
from pipeline.local.store import Store
from pipeline.review.wording import duration, megabytes
from pipeline.runs import Run, of_this_machine
from pipeline.runs.checkpoints import Checkpoint, Stored, addresses
from pipeline.runs.checkpoints import checkpoints as checkpoints_in
from pipeline.runs.selection import TRAINING

MOST_REASON = 200  # characters; the service gives up to 1,300
STYLES = {"sealed": "green", "unsealed": "yellow", "damaged": "bold red"}


def runs(
    env: Env = "local",
    account: Account = "",
    recipe: Recipe = "igbo",
    workdir: Workdir = DEFAULT_WORKDIR,
    most: Annotated[int, typer.Option("--most", min=1, max=1000, help="How many, the newest first")] = 20,
    as_json: AsJson = False,
) -> None:
    """List executions, here or in an account, the newest first: how they ended and how long they took."""
    if env == "local":
        found = [of_this_machine(row) for row in reversed(record.load_all(workdir.absolute()))][:most]
        nothing = f"nothing has run in {workdir}; next: {program()} run --local{place_of(workdir)}"
    else:
        place, executions = executions_of(env, account, recipe, "")
        with Console(stderr=True).status("asking the account how each ended"):
            found = [executions.with_steps(run) for run in executions.listed(most)]
        nothing = f"{place.name} has not run in {place.settings.region}; next: {first_start(place)}"
    if as_json:
        print(json.dumps([run.for_machines() for run in found], indent=2, ensure_ascii=False))
    elif not found:
        print(nothing)
    else:
        Console().print(_runs_table(found))


def checkpoints(
    run: RunName = None,
    env: Env = "local",
    account: Account = "",
    recipe: Recipe = "igbo",
    workdir: Workdir = DEFAULT_WORKDIR,
    as_json: AsJson = False,
) -> None:
    """Say which checkpoints of an execution really are stored, and which are sealed and whole. Exit 1 for damage."""
    if env == "local":
        described, found = _of_this_machine(run, workdir)
        following = f"{program()} run --local{place_of(workdir)} --resume"
        if described.status == "Succeeded":
            following = f"{program()} packages{place_of(workdir)}"
        elif described.refused:
            following = f"{program()} explain {described.execution_id}{place_of(workdir)}"
    else:
        from pipeline.aws.checkpoints import checkpoints_of

        place, executions = executions_of(env, account, recipe, "")
        described = executions.run(executions.find(run))
        definition = executions.definition(described.arn)
        found = checkpoints_of(place.account, definition, described.execution_id, place.name)
        usable = any(row.state == "sealed" and TRAINING in row.steps for row in found)
        following = after_checkpoints(described, executions, place, usable) if found and not as_json else ""
    if as_json:
        rows = [row.for_machines() for row in found]
        print(json.dumps({"execution": described.execution_id, "checkpoints": rows}, indent=2, ensure_ascii=False))
    elif not found:
        print(f"no checkpoint of {described.execution_id} is stored")
    else:
        Console().print(_checkpoints_table(found))
        for row in found:
            if row.problem:
                print(f"{row.steps[-1]} {row.name} is {row.state}: {harmless(row.problem)}")
        print(f"{_usable(found, is_trained(described))}; next: {following}")
    raise typer.Exit(1 if any(row.state == "damaged" for row in found) else 0)


def _usable(found: list[Checkpoint], trained: bool) -> str:
    """Which checkpoint a run can be gone on from. `trained`: its training is complete."""
    sealed = [row for row in found if row.state == "sealed" and TRAINING in row.steps]
    if not sealed:
        return f"{TRAINING} has no sealed one"
    newest = f"the newest sealed one is {sealed[-1].name} of {TRAINING}"
    return f"{newest}, whose training is complete" if trained else newest


def _of_this_machine(reference: str | None, workdir: Path) -> tuple[Run, list[Checkpoint]]:
    place = workdir.absolute()
    execution = record.load(place, reference) if reference else record.latest(place)
    if execution is None:
        raise BadInput(f"nothing has run in {workdir}", hint=f"{program()} run --local{place_of(workdir)}")
    definition = read(record.load_definition(place, execution.execution_id))
    store = Store(place / "s3")
    found: list[Checkpoint] = []
    for address, steps in addresses(definition, execution.execution_id, execution.pipeline_name).items():
        found += checkpoints_in(address, steps, _stored(store, address), partial(_bytes, store.path(address)))
    return of_this_machine(execution), found


def _bytes(folder: Path, key: str) -> bytes:
    return (folder / key).read_bytes()


def _stored(store: Store, address: str) -> Iterator[Stored]:
    for key, path in store.objects(f"{address}/").items():
        facts = path.stat()
        yield Stored(key, facts.st_size, facts.st_mtime)


def _runs_table(found: list[Run]) -> Table:
    table = Table(Column("execution", no_wrap=True), "status", Column("started", no_wrap=True), "took", "reason")
    now = time.time()
    for run in found:
        ended = run.ended or (now if run.is_running else None)
        took = duration(round(ended - run.started, 1)) if ended else ""
        who = run.execution_id + (f"\n{escape(run.name)}" if run.name and run.name != run.execution_id else "")
        reason = escape(harmless(_one_line(run.reason)))
        table.add_row(who, run.outcome, f"{datetime.fromtimestamp(run.started, UTC):%Y-%m-%d %H:%M}", took, reason)
    return table


def _one_line(reason: str) -> str:
    """As much of a reason as a table has room for; `explain` and --json have all of it."""
    words = " ".join(reason.split())
    return words if len(words) <= MOST_REASON else words[: MOST_REASON - 1] + "…"


def _checkpoints_table(found: list[Checkpoint]) -> Table:
    table = Table("step", Column("checkpoint", no_wrap=True), "state", "loss", "files", "size", "age")
    now = time.time()
    for row in found:
        table.add_row(
            row.steps[-1],
            row.name,
            f"[{STYLES[row.state]}]{row.state}[/]",
            "" if row.loss is None else f"{row.loss:.4f}",
            str(row.files),
            megabytes(row.bytes),
            duration(round(max(0.0, now - row.modified))),
        )
    return table
