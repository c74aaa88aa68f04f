"""How a preparation ends for a person: the waterfall, the splits, what to look at, where things lie."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from pipeline.errors import harmless
from pipeline.review.wording import duration, megabytes
from pipeline.staging.prepared import PAGE
from steps.contract import DATA_REPORT, SPLITS, DataReport


def render_page(folder: Path) -> None:
    """Write the page beside the report. The data is whole without it, so a page that cannot be made is only said."""
    try:
        from pipeline.review.data_page import render_data

        render_data(folder / DATA_REPORT, folder / PAGE)
    except ImportError as error:
        print(f'no {PAGE}: {error}; it needs pip install "asusu[report]"', file=sys.stderr)
    except OSError as error:
        print(f"no {PAGE}: {error}", file=sys.stderr)


def print_prepared(
    console: Console, report: DataReport, out: Path, seconds: float | None, abandoned: list[Path]
) -> None:
    """Print the end of a preparation; `seconds` is None when it was found finished."""
    room: dict[str, Any] = {"no_wrap": True, "overflow": "ellipsis"} if console.is_terminal else {"soft_wrap": True}
    for line in waterfall(report):
        console.print(harmless(line), markup=False, highlight=False, **room)
    sizes = ", ".join(f"{name} {count:,}" for name, count in report.splits.items())
    console.print(f"splits    {sizes}", highlight=False, soft_wrap=True)
    leaks = report.leaks
    near = f" and {leaks.near:,} near-copies" if report.options.get("near_copies", True) else ""
    console.print(
        f"leaks     {leaks.equal:,} equal sentences{near} between the splits, counted again from the written files",
        highlight=False,
        soft_wrap=True,
    )
    if report.tokens:
        console.print(f"tokens    {report.tokens.tokens:,} in train, both directions", highlight=False, soft_wrap=True)
    for warning in report.warnings:
        console.print(f"[yellow]warning[/]   {escape(harmless(warning))}", highlight=False, soft_wrap=True)
    page = out / PAGE
    console.print(
        f"report    {escape(str(page if page.is_file() else out / DATA_REPORT))}", highlight=False, soft_wrap=True
    )
    console.print(f"data      {escape(str(out / f'{SPLITS[0]}.parquet'))}", highlight=False, soft_wrap=True)
    for folder in abandoned:
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
        console.print(
            f"left      {escape(str(folder))} ({megabytes(size)}) from an interrupted run with other inputs or options;"
            " remove it if you will not go on with that",
            highlight=False,
            soft_wrap=True,
        )
    if seconds is None:
        console.print("nothing to do: the same inputs and options were prepared before (--force does it again)")
    else:
        pace = report.rows_in / max(seconds, 0.001)
        console.print(
            f"{report.rows_in:,} pairs in {duration(round(seconds, 1))}, {pace:,.0f} a second",
            highlight=False,
            soft_wrap=True,
        )


def waterfall(report: DataReport) -> list[str]:
    """Rows in, what each rule dropped, rows out: one line each. Rules that dropped nothing share one."""
    names = " + ".join(f"{source.name} ({source.licence})" for source in report.sources)
    rows = [("rows in", f"{report.rows_in:,}", "", names)]
    rows += [
        (f"  {rule.rule}", f"-{rule.dropped:,}", f"{rule.share:.2%}", rule.reason)
        for rule in report.rules
        if rule.dropped
    ]
    share = report.rows_out / report.rows_in if report.rows_in else 0.0
    rows.append(("rows out", f"{report.rows_out:,}", f"{share:.2%}", ""))
    first, second = (max(len(row[place]) for row in rows) for place in (0, 1))
    lines = [f"{name:<{first}}  {count:>{second}}  {part:>7}  {said}".rstrip() for name, count, part, said in rows]
    idle = [rule.rule for rule in report.rules if not rule.dropped and rule.on]
    off = [rule.rule for rule in report.rules if not rule.on]
    lines += [f"          nothing dropped: {', '.join(idle)}"] * bool(idle) + [
        f"          off: {', '.join(off)}"
    ] * bool(off)
    return lines
