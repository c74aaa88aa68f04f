"""`asusu preflight`: what would go wrong in an account, found before anything is deployed, started or paid for."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console

from pipeline import settings
from pipeline.cli.check_view import checks_as_json, print_checks
from pipeline.cli.definition import Account, AsJson, Env, Recipe, definition_text
from pipeline.cli.deployed import PLACEHOLDER, deployed
from pipeline.cli.run import parse_params
from pipeline.definition import read
from pipeline.errors import EXIT_FAILED, EXIT_OK, EXIT_REFUSED, BadInput
from pipeline.preflight import Check, Remedies, Status, check_offline, verdict

EXITS: dict[Status, int] = {"ok": EXIT_OK, "warning": EXIT_OK, "unknown": EXIT_FAILED, "refused": EXIT_REFUSED}


def preflight(
    env: Env = "production",
    account: Account = "",
    recipe: Recipe = "igbo",
    param: Annotated[list[str] | None, typer.Option(help="Run-time parameter, Name=Value; may be repeated")] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Only what needs no account and no credentials")] = False,
    allow_unknown: Annotated[
        bool, typer.Option("--allow-unknown", help="Exit 0 also where something could not be found out")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check the definition, the parameters and the account. Exit 0 ok or warnings, 1 something is unknown, 4 refused."""
    given = parse_params(param or [])
    checks = _offline(env, account, recipe, given) if offline else _account(env, account, recipe, given)
    if as_json:
        print(json.dumps(checks_as_json(checks), indent=2, ensure_ascii=False))
    else:
        print_checks(Console(), checks)
    answer = verdict(checks)
    raise typer.Exit(EXIT_OK if answer == "unknown" and allow_unknown else EXITS[answer])


def _offline(env: str, account: str, recipe: str, given: dict[str, str]) -> list[Check]:
    if env == "local":
        raise BadInput("the environment `local` deploys nothing", hint="give --env production, or a YAML file")
    number = account or PLACEHOLDER
    chosen = settings.load(env, {"account": number})
    definition = read(definition_text(recipe, env, number))
    return Remedies(env, chosen.region, recipe).rows(check_offline(chosen, definition, chosen.start_parameters | given))


def _account(env: str, account: str, recipe: str, given: dict[str, str]) -> list[Check]:
    place = deployed(env, account, recipe)
    from pipeline.aws.preflight import check_account

    definition = read(place.text())
    parameters = place.settings.start_parameters | given
    with Console(stderr=True).status("asking the account"):
        return place.remedies.rows(
            [
                *check_offline(place.settings, definition, parameters),
                *check_account(place.account, place.settings, place.name, definition, parameters),
            ]
        )
