"""`asusu approve`, `reject`: a decision on a version, here or in an account, never without a reason."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.definition import Account, Env
from pipeline.cli.dossier import write_again
from pipeline.cli.outcome import page_of, program
from pipeline.cli.registry import Version, options_of, registry_of
from pipeline.cli.staging import DEFAULT_WORKDIR, Workdir
from pipeline.decided import one_line
from pipeline.errors import BadInput, harmless
from pipeline.local.decisions import Unpublished
from pipeline.packages import Package, Verdict, champion_of, find_package, name_of

Reason = Annotated[str, typer.Option(help="Why: no decision without one; kept with the version")]


def approve(
    version: Version,
    reason: Reason = "",
    workdir: Workdir = DEFAULT_WORKDIR,
    env: Env = "local",
    account: Account = "",
    own: Annotated[
        bool, typer.Option("--own", help="Approve a run that you started yourself, as you were told")
    ] = False,
) -> None:
    """Approve a version: it becomes the champion, also where it is older than the present one (a rollback)."""
    _decide(version, "Approved", reason, workdir, env, account, own=own)


def reject(
    version: Version,
    reason: Reason = "",
    workdir: Workdir = DEFAULT_WORKDIR,
    env: Env = "local",
    account: Account = "",
) -> None:
    """Reject a version. Where it was the champion, the one approved before it is champion again."""
    _decide(version, "Rejected", reason, workdir, env, account, own=False)


def _decide(version: str, verdict: Verdict, reason: str, workdir: Path, env: str, account: str, *, own: bool) -> None:
    registry, where = registry_of(env, account, workdir), options_of(env, account, workdir)
    before = registry.packages()
    package = find_package(before, version, f"{program()} packages{where}")
    if not any(map(str.isalnum, reason)):  # neither nothing nor the "..." of the command as it is shown
        verb = "approve" if verdict == "Approved" else "reject"
        raise BadInput("a decision needs a reason", hint=f'{program()} {verb} {name_of(package)} --reason "..."{where}')
    said = one_line(reason)
    try:
        notes = registry.decide(package, verdict, said, own=own)
    except Unpublished:
        write_again(_stale(name_of(package), before, registry.packages(), workdir), workdir)
        raise
    print(f"{name_of(package)} is {verdict.lower()}: {harmless(said)}")
    if env == "local":
        stale = _stale(name_of(package), before, registry.packages(), workdir)
        notes = [*notes, *write_again(stale, workdir), f"dossier: {page_of(package, workdir)}"]
    for note in notes:
        print(f"  {harmless(note)}")


def _stale(decided: str, before: list[Package], after: list[Package], workdir: Path) -> list[Package]:
    """The version decided on, and those of its group whose pages name another champion than there is now."""
    group = decided.rpartition("/")[0]
    was, now = (
        champion_of([package for package in packages if package["ModelPackageGroupName"] == group])
        for packages in (before, after)
    )
    moved = (was and name_of(was)) != (now and name_of(now))
    return [
        package
        for package in after
        if name_of(package) == decided
        or (moved and package["ModelPackageGroupName"] == group and page_of(package, workdir).is_file())
    ]
