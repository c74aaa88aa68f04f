"""What the verbs of executions share: their options, and the way to an account's executions or to this machine's."""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.deployed import Deployed, deployed
from pipeline.errors import BadInput
from pipeline.runs import Run

if TYPE_CHECKING:
    from pipeline.aws.executions import Executions

RunName = Annotated[str | None, typer.Argument(metavar="[RUN]", help="An execution's id or ARN; without it the newest")]
Token = Annotated[
    str, typer.Option(help="32 to 128 characters; a command repeated with the same token does nothing twice")
]
TOKEN = re.compile(r"[!-~]{32,128}")  # botocore's shape of ClientRequestToken


def executions_of(env: str, account: str, recipe: str, instead: str) -> tuple[Deployed, Executions]:
    """The environment and its pipeline's executions. `instead` is what to type on this machine, where there are none.

    Raises BadInput for `local`, and for settings and credentials that do not serve.
    """
    if env == "local":
        raise BadInput("a run on this machine belongs to the command that runs it", hint=f"{instead}, or --env ENV")
    place = deployed(env, account, recipe)
    from pipeline.aws.executions import Executions

    return place, Executions(place.account, place.name, place.options)


def token_or_new(token: str) -> str:
    """The token as given, else a fresh one. Raises BadInput for one that the service would refuse."""
    if token and not TOKEN.fullmatch(token):
        raise BadInput(f"--token has {len(token)} characters", hint="give 32 to 128 characters without blanks, or none")
    return token or uuid.uuid4().hex


def is_running(run: Run) -> bool:
    """For `find`: an execution that can be stopped."""
    return run.is_running


def did_not_succeed(run: Run) -> bool:
    """An execution that wants to be explained."""
    return not run.is_running and run.status != "Succeeded"
