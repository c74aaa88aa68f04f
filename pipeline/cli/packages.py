"""`asusu packages`, `review`, `approve`, `reject`: the registry, here or in an account, and who decided what, why."""

from __future__ import annotations

import json
import shlex
import webbrowser
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from pipeline import settings
from pipeline.cli.definition import Account, AsJson, Env
from pipeline.cli.outcome import files_of, page_of, place_of, program
from pipeline.cli.staging import DEFAULT_WORKDIR, Workdir
from pipeline.errors import BadInput, harmless
from pipeline.local import record
from pipeline.local.decisions import LocalPackages
from pipeline.packages import Package, Packages, Verdict, champion_of, find_package, name_of
from pipeline.review.facts import dossier_facts
from pipeline.review.package import PENDING, STATUSES
from pipeline.review.report import render, render_markdown

Version = Annotated[str, typer.Argument(help="A version, e.g. 3, or asusu-igbo/3 where there are several groups")]
Reason = Annotated[str, typer.Option(help="Why: no decision without one; kept with the version")]
COLUMNS = ("version", "status", "chrF++\nforward", "chrF++\nbackward", "validation\nloss", "registered")
WRAPPED = ("status", "registered")


def packages(
    workdir: Workdir = DEFAULT_WORKDIR, env: Env = "local", account: Account = "", as_json: AsJson = False
) -> None:
    """List every version: its status, scores, reason, and which one is the champion."""
    found = _registry(env, account, workdir).packages()
    champions = [champion_of(_group(found, package)) for package in found]
    rows = [(package, champion is package) for package, champion in zip(found, champions, strict=True)]
    if as_json:
        print(
            json.dumps([package | {"Champion": champion} for package, champion in rows], indent=2, ensure_ascii=False)
        )
        return
    if not rows:
        place, following = (
            (workdir, f"; next: {program()} run --local{place_of(workdir)}") if env == "local" else (env, "")
        )
        print(f"nothing is registered in {place}{following}")
        return
    console = Console()
    console.print(_table(rows))
    for package, _ in rows:
        if reason := str(package.get("ApprovalDescription", "")):
            console.print(f"{name_of(package)}: {escape(harmless(reason))}", highlight=False, soft_wrap=True)


def review(
    version: Annotated[
        str | None,
        typer.Argument(help="As for approve; without it the newest that waits for approval, else the newest"),
    ] = None,
    workdir: Workdir = DEFAULT_WORKDIR,
    open_page: Annotated[bool, typer.Option("--open", help="Show it in the browser")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Write it as Markdown, too")] = False,
    as_json: AsJson = False,
) -> None:
    """Build the dossier of a version: one offline page with the verdict, the evidence and how to decide."""
    found = LocalPackages(workdir).packages()
    package = (
        find_package(found, version, f"{program()} packages{place_of(workdir)}")
        if version is not None
        else _newest(found, workdir)
    )
    execution_id = str((package.get("CustomerMetadataProperties") or {}).get("execution", ""))
    execution = record.load(workdir.absolute(), execution_id)
    definition = record.load_definition(workdir.absolute(), execution_id)
    files = files_of(package, execution, definition, workdir)
    written = {"dossier": page_of(package, workdir)}
    render(files, written["dossier"])
    if as_markdown:
        written["markdown"] = written["dossier"].with_suffix(".md")
        render_markdown(files, written["markdown"])
    if as_json:
        facts = {"package": package, "page": str(written["dossier"]), **dossier_facts(files)}
        print(_printed(facts | ({"markdown": str(written["markdown"])} if as_markdown else {})))
    else:
        print(f"{name_of(package)}, {harmless(str(package['ModelApprovalStatus']))}")
        for what, text in [*((what, str(path)) for what, path in written.items()), *files.commands]:
            print(f"  {what + ':':<9} {text}")
    if open_page:
        webbrowser.open(written["dossier"].absolute().as_uri())


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
    where = _where(env, account, workdir)
    _decide(_registry(env, account, workdir), version, "Approved", reason, where, own=own)


def reject(
    version: Version,
    reason: Reason = "",
    workdir: Workdir = DEFAULT_WORKDIR,
    env: Env = "local",
    account: Account = "",
) -> None:
    """Reject a version. Where it was the champion, the one approved before it is champion again."""
    where = _where(env, account, workdir)
    _decide(_registry(env, account, workdir), version, "Rejected", reason, where, own=False)


def _decide(registry: Packages, version: str, verdict: Verdict, reason: str, where: str, *, own: bool) -> None:
    package = find_package(registry.packages(), version, f"{program()} packages{where}")
    if not any(map(str.isalnum, reason)):  # neither nothing nor the "..." of the command as it is shown
        verb = "approve" if verdict == "Approved" else "reject"
        raise BadInput("a decision needs a reason", hint=f'{program()} {verb} {name_of(package)} --reason "..."{where}')
    notes = registry.decide(package, verdict, reason, own=own)
    print(f"{name_of(package)} is {verdict.lower()}: {harmless(reason)}")
    for note in notes:
        print(f"  {harmless(note)}")


def _registry(env: str, account: str, workdir: Path) -> Packages:
    """This machine's registry for `local`, an account's for the others. boto3 is loaded only for those."""
    if env == "local":
        return LocalPackages(workdir)
    try:
        from pipeline.aws.packages import AwsPackages
        from pipeline.aws.session import connect_environment
    except ModuleNotFoundError as error:
        raise BadInput(f"{error.name} is not installed, which an account needs", hint="make aws") from error
    return AwsPackages(connect_environment(settings.load(env, {"account": account} if account else {})))


def _table(rows: list[tuple[Package, bool]]) -> Table:
    """Narrow enough for 80 columns: a version and its numbers are never cut."""
    table = Table(*(Column(name, no_wrap=name not in WRAPPED) for name in COLUMNS))
    for package, champion in rows:
        metadata = package.get("CustomerMetadataProperties") or {}
        status = str(package["ModelApprovalStatus"])
        table.add_row(
            name_of(package),
            escape(STATUSES.get(status, status).capitalize()) + ("\n★ champion" if champion else ""),
            *(escape(str(metadata.get(key, "—"))) for key in ("chrf_forward", "chrf_backward", "validation_loss")),
            str(package["CreationTime"])[:16].replace("T", " "),
        )
    return table


def _where(env: str, account: str, workdir: Path) -> str:
    """The options of a command that name this registry, empty for the one in the default work directory."""
    if env == "local":
        return place_of(workdir)
    return f" --env {shlex.quote(env)}" + (f" --account {shlex.quote(account)}" if account else "")


def _group(found: list[Package], package: Package) -> list[Package]:
    return [other for other in found if other["ModelPackageGroupName"] == package["ModelPackageGroupName"]]


def _newest(found: list[Package], workdir: Path) -> Package:
    """The newest version that waits for approval, else the newest of all. Raises BadInput where there is none."""
    if not found:
        raise BadInput(f"nothing is registered in {workdir}", hint=f"{program()} run --local{place_of(workdir)}")
    return max(found, key=lambda package: (package["ModelApprovalStatus"] == PENDING, str(package["CreationTime"])))


def _printed(facts: dict[str, Any]) -> str:
    """JSON in readable letters; what a terminal would not print, and might obey, is written by its number."""
    text = json.dumps(facts, indent=2, ensure_ascii=False)
    return "".join(sign if sign.isprintable() or sign == "\n" else json.dumps(sign)[1:-1] for sign in text)
