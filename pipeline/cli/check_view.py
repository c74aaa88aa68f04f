"""Rows of checks as a person reads them: one line each, what to do below those that are not ok, and the sum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from pipeline.errors import harmless
from pipeline.preflight.check import WORST_FIRST, Check, Status, verdict

STYLES: dict[Status, str] = {"ok": "green", "warning": "yellow", "refused": "bold red", "unknown": "magenta"}


def print_checks(console: Console, checks: Sequence[Check], words: Mapping[Status, str] | None = None) -> None:
    """Print all rows, the worst last, and how many there are of each kind. `words` are other names for a status."""
    names = dict(words or {})
    table = Table(
        Column(no_wrap=True),
        Column(max_width=30, overflow="fold"),
        Column(ratio=1, overflow="fold"),
        box=None,
        show_header=False,
        expand=True,
    )
    for check in sorted(checks, key=lambda check: WORST_FIRST.index(check.status), reverse=True):
        said = escape(harmless(check.detail))
        if check.fix and check.status != "ok":
            said += f"\n[dim]next:[/] {escape(harmless(check.fix))}"
        status = names.get(check.status, check.status)
        table.add_row(f"[{STYLES[check.status]}]{status}[/]", escape(harmless(check.name)), said)
    console.print(table)
    counts = [(status, sum(check.status == status for check in checks)) for status in WORST_FIRST]
    said = ", ".join(f"{count} {names.get(status, status)}" for status, count in counts if count)
    console.print(f"{len(checks)} checks: {said}", highlight=False)


def checks_as_json(checks: Sequence[Check]) -> dict[str, Any]:
    """The rows and the verdict for a machine."""
    return {"verdict": verdict(checks), "checks": [asdict(check) for check in checks]}
