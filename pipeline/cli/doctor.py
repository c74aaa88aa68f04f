"""`asusu doctor`: what is missing on this machine and, for an environment, in its account; each with what brings it."""

from __future__ import annotations

import json

import typer
from rich.console import Console

from pipeline.cli.check_view import checks_as_json, print_checks
from pipeline.cli.definition import Account, AsJson, Env, Recipe
from pipeline.cli.deployed import deployed, environment
from pipeline.cli.staging import DEFAULT_WORKDIR, Workdir
from pipeline.doctor import check_machine
from pipeline.errors import EXIT_FAILED, EXIT_OK, AsusuError, BadInput
from pipeline.preflight import Check, Status
from pipeline.recipes import languages_of

NOTICES = "make infra takes EMAIL=<address>, too: who is written to when a model waits for approval or a run fails"
WORDS: dict[Status, str] = {"refused": "missing"}


def doctor(
    env: Env = "local",
    account: Account = "",
    recipe: Recipe = "igbo",
    workdir: Workdir = DEFAULT_WORKDIR,
    as_json: AsJson = False,
) -> None:
    """Look at this machine, and with --env at the account. Exit 0 nothing is missing, 1 something is, or is unknown."""
    with Console(stderr=True).status("looking at this machine"):
        checks = list(check_machine(workdir))
    if env != "local":
        with Console(stderr=True).status("asking the account"):
            checks += _account(env, account, recipe)
    if as_json:
        print(json.dumps(checks_as_json(checks), indent=2, ensure_ascii=False))
    else:
        print_checks(Console(), checks, WORDS)
        if any("make infra " in check.fix for check in checks if check.status != "ok"):
            print(NOTICES)
    bad = any(check.status in ("refused", "unknown") for check in checks)
    raise typer.Exit(EXIT_FAILED if bad else EXIT_OK)


def _account(env: str, account: str, recipe: str) -> list[Check]:
    """The account's rows; where it cannot even be asked, the one row that says why."""
    languages_of(recipe)  # a mistyped recipe is nothing that a machine or an account lacks
    try:
        environment(env, account)
    except BadInput as error:
        return [Check("environment", "refused", error.message, error.hint)]
    try:
        place = deployed(env, account, recipe)
    except BadInput as error:
        return [Check("credentials", "refused", error.message, error.hint)]
    except AsusuError as error:
        return [Check("account", "unknown", error.message, error.hint)]
    from pipeline.aws.preflight.deployment import check_deployment

    return [
        Check("credentials", "ok", f"of account {place.number}, the environment's"),
        *place.remedies.rows(check_deployment(place.account, place.settings, place.name)),
    ]
