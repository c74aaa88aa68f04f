"""`asusu review`: the dossier of a version, from this machine or from an account, as a page, as Markdown, as JSON."""

from __future__ import annotations

import sys
import tempfile
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.definition import Account, AsJson, Env
from pipeline.cli.deployed import deployed
from pipeline.cli.dossier import dossier_of
from pipeline.cli.outcome import decision_commands, page_of, program
from pipeline.cli.packages import printed
from pipeline.cli.registry import account_packages, options_of
from pipeline.cli.staging import DEFAULT_WORKDIR, Workdir
from pipeline.decided import PENDING
from pipeline.errors import BadInput, harmless
from pipeline.local.decisions import LocalPackages
from pipeline.local.store import Store
from pipeline.packages import Package, find_package, name_of
from pipeline.review.facts import dossier_facts
from pipeline.review.files import RunFiles
from pipeline.review.package import STATUSES
from pipeline.review.report import render, render_markdown


@dataclass(frozen=True)
class Dossier:
    """A version, what its page is made of, and where the page goes."""

    package: Package
    files: RunFiles
    page: Path


def review(
    version: Annotated[
        str | None,
        typer.Argument(help="As for approve; without it the newest that waits for approval, else the newest"),
    ] = None,
    workdir: Workdir = DEFAULT_WORKDIR,
    env: Env = "local",
    account: Account = "",
    open_page: Annotated[bool, typer.Option("--open", help="Show it in the browser")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Write it as Markdown, too")] = False,
    as_json: AsJson = False,
) -> None:
    """Build the dossier of a version: one offline page with the verdict, the evidence and how to decide."""
    with _found(version, workdir, env, account) as dossier:
        written = {"dossier": dossier.page}
        render(dossier.files, dossier.page)
        if as_markdown:
            written["markdown"] = dossier.page.with_suffix(".md")
            render_markdown(dossier.files, written["markdown"])
        if as_json:
            facts = {"package": dossier.package, "page": str(dossier.page), **dossier_facts(dossier.files)}
            print(printed(facts | ({"markdown": str(written["markdown"])} if as_markdown else {})))
        else:
            _show(dossier, written)
    if open_page:
        webbrowser.open(dossier.page.absolute().as_uri())


def _show(dossier: Dossier, written: dict[str, Path]) -> None:
    status = str(dossier.package["ModelApprovalStatus"])
    print(f"{name_of(dossier.package)}, {STATUSES.get(status, status)}")
    if dossier.files.unrecorded:
        print(f"  {'missing:':<9} {harmless(dossier.files.unrecorded)}")
    for what, text in [*((what, str(path)) for what, path in written.items()), *dossier.files.commands]:
        print(f"  {what + ':':<9} {text}")


@contextmanager
def _found(version: str | None, workdir: Path, env: str, account: str) -> Iterator[Dossier]:
    """The dossier of a version; what was fetched for it from an account goes when it has been written."""
    options = options_of(env, account, workdir)
    if env == "local":
        package = _chosen(LocalPackages(workdir).packages(), version, str(workdir), options, "run --local")
        yield Dossier(package, dossier_of(package, workdir), page_of(package, workdir))
        return
    there = deployed(env, account)
    found = account_packages(there.account).packages()
    package = _chosen(found, version, env, options, "start")
    from pipeline.aws.dossier import Review

    print(f"fetching what the run of {name_of(package)} left in account {there.number}", file=sys.stderr)
    group = [other for other in found if other["ModelPackageGroupName"] == package["ModelPackageGroupName"]]
    with tempfile.TemporaryDirectory() as folder:
        commands = decision_commands(package, group, options)
        files = Review(there.account, Store(Path(folder))).files_of(package, group, commands)
        yield Dossier(package, files, page_of(package, workdir, there.number))


def _chosen(found: list[Package], version: str | None, place: str, options: str, begin: str) -> Package:
    """The version asked for, else the newest that waits for approval, else the newest of all.

    Raises BadInput where it is not there; `begin` is the verb that leads to one.
    """
    if version is not None:
        return find_package(found, version, f"{program()} packages{options}")
    if not found:
        raise BadInput(f"nothing is registered in {place}", hint=f"{program()} {begin}{options}")
    return max(found, key=lambda package: (package["ModelApprovalStatus"] == PENDING, str(package["CreationTime"])))
