"""`asusu upsert` and `rollback`: put a definition in place after showing what changes. Neither ever starts a run."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from pipeline.checkout import checkout
from pipeline.cli.check_view import print_rows
from pipeline.cli.definition import Account, AsJson, Env, Recipe
from pipeline.cli.deployed import Deployed, deployed
from pipeline.cli.following import first_start
from pipeline.cli.outcome import program
from pipeline.cli.plan import DefinitionFile, planned_upsert, show, source_of, work_of
from pipeline.cli.plan_view import Paper
from pipeline.cli.planning import Planned, against_account, records_of
from pipeline.definition import with_own_sum
from pipeline.errors import AsusuError, BadInput, harmless
from pipeline.plan.refusal import Allowed, refuse
from pipeline.preflight import Check, check_offline

if TYPE_CHECKING:
    from pipeline.aws.deploying import Deployment
    from pipeline.aws.records import Record, Records

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask")]
Accept = Annotated[bool, typer.Option("--accept", help="Let the gate get looser, as the plan shows it")]
Overwrite = Annotated[
    bool,
    typer.Option("--overwrite-edits", help="Lose what somebody changed since the last upsert, as the plan shows it"),
]


def upsert(
    env: Env = "production",
    account: Account = "",
    recipe: Recipe = "igbo",
    definition: DefinitionFile = None,
    yes: Yes = False,
    allow_dirty: Annotated[bool, typer.Option("--allow-dirty", help="Deploy code that is not committed")] = False,
    accept: Accept = False,
    overwrite_edits: Overwrite = False,
) -> None:
    """Create or update the pipeline; starts no run. Exit 0 in place, 2 bad input, 4 refused."""
    code = checkout()
    planned = planned_upsert(env, account, recipe, definition)
    paper = Paper(Console())
    show(paper, planned, work_of(0, 0, 97.0), source_of(definition))
    if planned.idle:
        return
    checks = _checks(paper, planned)
    refuse(planned.looser, checks, code, planned.lost, Allowed(accept, allow_dirty, overwrite_edits))
    _confirm(planned.place.name, yes)
    from pipeline.aws.deploying import Deployment

    who = planned.place.account.caller()["Arn"]
    why = Deployment("upsert", code.code, who, code.dirty, planned.accepted)
    _deploy(paper, planned, why)


def rollback(
    env: Env = "production",
    account: Account = "",
    recipe: Recipe = "igbo",
    to: Annotated[
        int | None, typer.Option(min=1, help="Number of the upsert to return to; the one before by default")
    ] = None,
    listing: Annotated[bool, typer.Option("--list", help="Only list what was deployed, newest first")] = False,
    yes: Yes = False,
    accept: Accept = False,
    overwrite_edits: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Return to an earlier definition, with its role and tags; starts no run, needs no SDK. --json goes with --list."""
    place = deployed(env, account, recipe)
    records = records_of(place)
    if listing:
        _print_list(list(records.newest_first()), as_json)
        return
    if as_json:
        raise BadInput("--json goes with --list", hint="asusu plan --json shows what is deployed")
    planned, target = _planned_rollback(place, records, to)
    paper = Paper(Console())
    paper.say(f"back to {target.action} {target.number} of {target.at:%Y-%m-%d %H:%M} UTC, by {target.by}")
    show(paper, planned, work_of(0, 0, 97.0), f"that of {target.action} {target.number}")
    if planned.idle:
        return
    # What is refused for new definitions today may have been fine then, and a rollback is for emergencies.
    checks = [
        Check(row.name, "warning", row.detail, row.fix) if row.status == "refused" else row for row in _offline(planned)
    ]
    _print_not_ok(paper, checks)
    refuse(planned.looser, checks, None, planned.lost, Allowed(looser_gate=accept, edits=overwrite_edits))
    _confirm(place.name, yes)
    from pipeline.aws.deploying import Deployment

    who = place.account.caller()["Arn"]
    why = Deployment("rollback", target.code, who, target.dirty, planned.accepted, target.number)
    _deploy(paper, planned, why)


def _planned_rollback(place: Deployed, records: Records, number: int | None) -> tuple[Planned, Record]:
    from pipeline.aws.deploying import Wanted, previous
    from pipeline.aws.pipelines import look

    situation = look(place.account, records)
    if situation.last is None:
        raise BadInput(f"{place.name} has no recorded upsert to return to", hint=f"{program()} plan{place.options}")
    target = previous(records, situation.last, number)
    wanted = Wanted(with_own_sum(records.definition(target.definition)), target.role, target.tags)
    return against_account(place, records, situation, wanted), target


def _checks(paper: Paper, planned: Planned) -> list[Check]:
    checks = _offline(planned)
    _print_not_ok(paper, checks)
    return checks


def _offline(planned: Planned) -> list[Check]:
    chosen = planned.place.settings
    return planned.place.remedies.rows(check_offline(chosen, planned.after, chosen.start_parameters, starting=False))


def _print_not_ok(paper: Paper, checks: Sequence[Check]) -> None:
    rows = [row for row in checks if row.status != "ok"]
    paper.head(f"Preflight, without the account: {len(checks) - len(rows)} of {len(checks)} checks are ok")
    if rows:
        print_rows(paper.console, rows)


def _confirm(name: str, yes: bool) -> None:
    """Raises BadInput where nobody can be asked, AsusuError where the answer is no."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise BadInput("nobody can be asked here; nothing was deployed", hint="look at the plan, then give --yes")
    if not typer.confirm(f"\nDeploy {name}?"):
        raise AsusuError("nothing was deployed")


def _deploy(paper: Paper, planned: Planned, why: Deployment) -> None:
    from pipeline.aws.deploying import deploy

    place = planned.place
    record = deploy(place.account, planned.records, planned.situation, planned.wanted, why)
    paper.head(f"{place.name} is in place; no run was started", "bold green")
    paper.say(f"{record.action} {record.number}, definition {record.definition[:12]}, code {record.code[:12]}", 2)
    paper.command(f"start a run: {first_start(place)}", 2)
    before = planned.situation.last
    if before and before.state == "done" and before.definition != record.definition:
        to = f" --to {before.number}" if record.restores else ""  # going back from a rollback is going forwards
        paper.command(f"go back:     {program()} rollback{to}{place.options}", 2)


def _print_list(records: list[Record], as_json: bool) -> None:
    if as_json:
        print(json.dumps([record.model_dump(mode="json") for record in records], indent=2, ensure_ascii=False))
        return
    if not records:
        print("nothing was deployed yet")
    for record in records:
        ended = "" if record.state == "done" else f" ({record.state})"
        back = f" to {record.restores}" if record.restores else ""
        accepted = f", accepted {', '.join(record.accepted)}" if record.accepted else ""
        dirty = " with edits" if record.dirty else ""
        line = (
            f"{record.number:>4}  {record.at:%Y-%m-%d %H:%M}  {record.action}{back}{ended}  definition"
            f" {record.definition[:12]}  code {record.code[:12]}{dirty}  by {record.by}{accepted}"
        )
        print(harmless(line))
