"""Rows of checks as a person reads them: one line each, below them what to do, and the sum."""

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
    """Print all rows, the worst last, what to do, and how many there are of each kind. `words` are other names for a status."""
    names = dict(words or {})
    print_rows(console, checks, names)
    counts = [(status, sum(check.status == status for check in checks)) for status in WORST_FIRST]
    said = ", ".join(f"{count} {names.get(status, status)}" for status, count in counts if count)
    console.print(f"{len(checks)} checks: {said}", highlight=False)


def print_rows(console: Console, checks: Sequence[Check], words: Mapping[Status, str] | None = None) -> None:
    """Print the rows, the worst last, and below them what to do, each command on one line, however narrow the terminal."""
    names = dict(words or {})
    table = Table(
        Column(no_wrap=True),
        Column(max_width=30, overflow="fold"),
        Column(ratio=1, overflow="fold"),
        box=None,
        show_header=False,
        expand=True,
    )
    ordered = sorted(checks, key=lambda check: WORST_FIRST.index(check.status), reverse=True)
    for check in ordered:
        status = names.get(check.status, check.status)
        cells = (escape(harmless(text)) for text in (check.name, check.detail))
        table.add_row(f"[{STYLES[check.status]}]{status}[/]", *cells)
    console.print(table)
    rows: dict[str, list[str]] = {}
    for check in ordered:
        if check.fix and check.status != "ok":
            rows.setdefault(check.fix, []).append(check.name)
    for fix, whose in rows.items():
        said = f"next, for {', '.join(dict.fromkeys(whose))}:"
        console.print(harmless(said), style="dim", highlight=False, soft_wrap=True, markup=False)
        console.print(f"  {harmless(fix)}", highlight=False, soft_wrap=True, markup=False)


def checks_as_json(checks: Sequence[Check]) -> dict[str, Any]:
    """The rows and the verdict for a machine."""
    return {"verdict": verdict(checks), "checks": [asdict(check) for check in checks]}
