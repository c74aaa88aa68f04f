"""Which registry a verb works on: this machine's or an account's, and what a command needs to come to the same one."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.deployed import deployed
from pipeline.cli.outcome import place_of
from pipeline.local.decisions import LocalPackages
from pipeline.packages import Packages

if TYPE_CHECKING:
    from pipeline.aws.session import Account

Version = Annotated[str, typer.Argument(help="A version, e.g. 3, or asusu-igbo/3 where there are several groups")]


def registry_of(env: str, account: str, workdir: Path) -> Packages:
    """This machine's registry for `local`, an account's for the others. boto3 is loaded only for those."""
    return LocalPackages(workdir) if env == "local" else account_packages(deployed(env, account).account)


def account_packages(account: Account) -> Packages:
    """The registry of an account."""
    from pipeline.aws.packages import AwsPackages

    return AwsPackages(account)


def options_of(env: str, account: str, workdir: Path) -> str:
    """The options of a command that name this registry, empty for the one in the default work directory."""
    if env == "local":
        return place_of(workdir)
    return f" --env {shlex.quote(env)}" + (f" --account {shlex.quote(account)}" if account else "")
