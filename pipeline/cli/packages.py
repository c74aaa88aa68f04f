"""`asusu packages`, `review`, `approve`, `reject`: the registry of this machine, and who decided what, why."""

from __future__ import annotations

import getpass
import json
import re
import shlex
import webbrowser
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline import settings
from pipeline.cli.definition import AsJson
from pipeline.cli.outcome import program
from pipeline.cli.staging import DEFAULT_WORKDIR, Workdir
from pipeline.errors import BadInput, harmless
from pipeline.local import record
from pipeline.local.champion import champion_of, name_of, publish_champion, verify_artifact
from pipeline.local.registry import Registry
from pipeline.local.store import Store
from pipeline.local.workplace import locked
from pipeline.review.gather import gather
from pipeline.review.report import render

Version = Annotated[str, typer.Argument(help="A version, e.g. 3, or asusu-igbo/3 where there are several groups")]
Reason = Annotated[str, typer.Option(help="Why; kept with the version")]
COLUMNS = ("version", "status", "champion", "chrF++ forward", "backward", "validation loss", "registered", "reason")


def packages(workdir: Workdir = DEFAULT_WORKDIR, as_json: AsJson = False) -> None:
    """List every version: its status, scores, reason, and which one is the champion."""
    registry = Registry(workdir / "registry")
    rows = [
        (package, champion_of(registry.packages(group)) == package)
        for group in registry.groups()
        for package in registry.packages(group)
    ]
    if as_json:
        print(
            json.dumps([package | {"Champion": champion} for package, champion in rows], indent=2, ensure_ascii=False)
        )
        return
    if not rows:
        print(f"nothing is registered in {workdir}; next: {program()} run --local")
        return
    table = Table(*COLUMNS)
    for package, champion in rows:
        metadata = package.get("CustomerMetadataProperties") or {}
        table.add_row(
            name_of(package),
            str(package["ModelApprovalStatus"]),
            "★" if champion else "",
            *(escape(str(metadata.get(key, "—"))) for key in ("chrf_forward", "chrf_backward", "validation_loss")),
            str(package["CreationTime"])[:16].replace("T", " "),
            escape(harmless(str(package.get("ApprovalDescription", "")))),
        )
    Console().print(table)


def review(
    version: Version,
    workdir: Workdir = DEFAULT_WORKDIR,
    open_page: Annotated[bool, typer.Option("--open", help="Show it in the browser")] = False,
    as_json: AsJson = False,
) -> None:
    """Build the dossier of a version: one offline page with the verdict, the evidence and how to decide."""
    package = _find(Registry(workdir / "registry"), version)
    execution_id = str((package.get("CustomerMetadataProperties") or {}).get("execution", ""))
    execution = record.load(workdir.absolute(), execution_id)
    definition = record.load_definition(workdir.absolute(), execution_id)
    commands = [
        ("approve", _command("approve", package, workdir)),
        ("reject", _command("reject", package, workdir)),
    ]
    files = gather(execution, definition, Store(workdir.absolute() / "s3"), commands)
    page = workdir / "reports" / f"{package['ModelPackageGroupName']}-{package['ModelPackageVersion']}.html"
    render(files, page)
    if as_json:
        evaluation = json.loads(files.evaluation.read_text(encoding="utf-8")) if files.evaluation else None
        print(
            json.dumps({"package": package, "evaluation": evaluation, "page": str(page)}, indent=2, ensure_ascii=False)
        )
    else:
        print(f"{name_of(package)}, {package['ModelApprovalStatus']}")
        print(f"  dossier: {page}")
        for purpose, command in commands:
            print(f"  {purpose + ':':<8} {command}")
    if open_page:
        webbrowser.open(page.absolute().as_uri())


def approve(version: Version, reason: Reason, workdir: Workdir = DEFAULT_WORKDIR) -> None:
    """Approve a version: it becomes the champion, also where it is older than the present one (a rollback)."""
    _decide(version, "Approved", reason, workdir)


def reject(version: Version, reason: Reason, workdir: Workdir = DEFAULT_WORKDIR) -> None:
    """Reject a version. Where it was the champion, the one approved before it is champion again."""
    _decide(version, "Rejected", reason, workdir)


def _decide(version: str, status: str, reason: str, workdir: Path) -> None:
    registry, store = Registry(workdir / "registry"), Store(workdir / "s3")
    package = _find(registry, version)
    group = str(package["ModelPackageGroupName"])
    if not reason.strip():
        raise BadInput(
            "a decision needs a reason",
            hint=_command("approve" if status == "Approved" else "reject", package, workdir),
        )
    bucket = settings.load("local").bucket
    with locked(workdir):
        before = champion_of(registry.packages(group))
        if status == "Approved":
            verify_artifact(package, store)
        decided = registry.decide(str(package["ModelPackageArn"]), status, reason, getpass.getuser())
        champion = publish_champion(registry, group, store, bucket)
    print(f"{name_of(decided)} is {status.lower()}: {harmless(reason)}")
    if champion != (name_of(before) if before else None):
        print(f"  champion: {champion or 'none'} (before: {name_of(before) if before else 'none'})")


def _find(registry: Registry, version: str) -> dict[str, Any]:
    """The package of `3`, `group/3` or an ARN. Raises BadInput where it is not there or not the only one."""
    wanted = re.fullmatch(r"(?:.*model-package/)?(?:([^/]+)/)?(\d+)", version)
    if not wanted:
        raise BadInput(f"{version!r} is not a version", hint=f"give 3 or group/3; {program()} packages lists them")
    found = [
        package
        for group in registry.groups()
        for package in registry.packages(group)
        if wanted[1] in (None, group) and str(package["ModelPackageVersion"]) == wanted[2]
    ]
    if len(found) > 1:
        names = ", ".join(map(name_of, found))
        raise BadInput(f"version {version} is in several groups", hint=f"give one of {names}")
    if not found:
        raise BadInput(f"there is no version {version}", hint=f"{program()} packages lists them")
    return found[0]


def _command(verb: str, package: dict[str, Any], workdir: Path) -> str:
    place = "" if workdir == DEFAULT_WORKDIR else f" --workdir {shlex.quote(str(workdir))}"
    return f'{program()} {verb.lower()} {name_of(package)} --reason "..."{place}'
