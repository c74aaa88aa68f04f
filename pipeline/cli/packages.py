"""`asusu packages`: the registry, here or in an account: versions, scores, who decided what, when and why."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from pipeline.cli.definition import Account, AsJson, Env
from pipeline.cli.outcome import place_of, program
from pipeline.cli.registry import registry_of
from pipeline.cli.staging import DEFAULT_WORKDIR, Workdir
from pipeline.decided import HISTORY, decisions_of, one_line
from pipeline.errors import harmless
from pipeline.packages import Package, champion_of, name_of
from pipeline.review.package import STATUSES
from pipeline.review.wording import moment

COLUMNS = ("version", "status", "chrF++\nforward", "chrF++\nbackward", "validation\nloss", "registered")
WRAPPED = ("status", "registered")


def packages(
    workdir: Workdir = DEFAULT_WORKDIR, env: Env = "local", account: Account = "", as_json: AsJson = False
) -> None:
    """List every version: its status, scores, who decided and why, and which one is the champion."""
    found = registry_of(env, account, workdir).packages()
    champions = [champion_of(_group(found, package)) for package in found]
    rows = [(package, champion is package) for package, champion in zip(found, champions, strict=True)]
    if as_json:
        print(printed([_with_marks(package, champion) for package, champion in rows]))
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
        if line := _last_decision(package):
            console.print(escape(harmless(line)), highlight=False, soft_wrap=True)


def printed(facts: Any) -> str:
    """JSON in readable letters; what a terminal would not print, and might obey, is written by its number."""
    text = json.dumps(facts, indent=2, ensure_ascii=False)
    return "".join(sign if sign.isprintable() or sign == "\n" else json.dumps(sign)[1:-1] for sign in text)


def _with_marks(package: Package, champion: bool) -> Package:
    """What the service describes, with what follows from it: champion or not, and every decision known."""
    return package | {"Champion": champion, HISTORY: [asdict(made) for made in decisions_of(package)]}


def _last_decision(package: Package) -> str:
    """Who decided what, when and why; empty where nobody has."""
    decisions = decisions_of(package)
    if not decisions:
        return ""
    *earlier, last = decisions
    who = f" by {last.who}" if last.who else ""
    more = f" ({len(earlier)} earlier, shown by --json)" if earlier else ""
    verdict = STATUSES.get(last.verdict, last.verdict)
    return f"{name_of(package)} {verdict} {moment(last.when)}{who}: {one_line(last.reason) or 'no reason'}{more}"


def _table(rows: list[tuple[Package, bool]]) -> Table:
    """Narrow enough for 80 columns: a version and its numbers are never cut."""
    table = Table(*(Column(name, no_wrap=name not in WRAPPED) for name in COLUMNS))
    for package, champion in rows:
        metadata = package.get("CustomerMetadataProperties") or {}
        status = str(package["ModelApprovalStatus"])
        scores = (str(metadata.get(key, "—")) for key in ("chrf_forward", "chrf_backward", "validation_loss"))
        table.add_row(
            name_of(package),
            escape(STATUSES.get(status, status).capitalize()) + ("\n★ champion" if champion else ""),
            *(escape(harmless(score)) for score in scores),
            str(package["CreationTime"])[:16].replace("T", " "),
        )
    return table


def _group(found: list[Package], package: Package) -> list[Package]:
    return [other for other in found if other["ModelPackageGroupName"] == package["ModelPackageGroupName"]]
