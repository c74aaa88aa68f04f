"""Progress of long work: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from pipeline.cli.pace import Pace
from pipeline.review.wording import duration

QUIET_SECONDS = 10.0
MEGABYTE = 1e6


@contextmanager
def bar(title: str) -> Iterator[Callable[[int, int, str], None]]:
    """A function `(done, total, unit)` to call as work goes on; a total of 0 is one that is not known."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _plain(title)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[amount]}"))
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console, transient=True) as progress:
        task = progress.add_task(title, total=None, amount="")
        yield lambda done, total, unit: progress.update(
            task, completed=done, total=total or None, amount=amount(done, total, unit)
        )


def amount(done: int, total: int, unit: str) -> str:
    """`12/60 steps`, or `3.4/27.1 MB` for bytes."""
    if unit == "bytes":
        return f"{done / MEGABYTE:,.1f}/{total / MEGABYTE:,.1f} MB" if total else f"{done / MEGABYTE:,.1f} MB"
    return f"{done:,}/{total:,} {unit}" if total else f"{done:,} {unit}"


def _plain(title: str) -> Callable[[int, int, str], None]:
    said = 0.0

    def say(done: int, total: int, unit: str) -> None:
        nonlocal said
        if done == total or time.monotonic() - said >= QUIET_SECONDS:
            said = time.monotonic()
            print(f"{title}: {amount(done, total, unit).replace('/', ' of ')}", file=sys.stderr, flush=True)

    return say


@contextmanager
def phases(costs: Mapping[str, float], units: Mapping[str, str]) -> Iterator[Callable[[str, int, int], None]]:
    """A function `(phase, done, total)` to call as work goes on, with one bar and one estimate over all phases."""
    console, pace = Console(stderr=True), Pace(costs)
    if not console.is_terminal:
        yield _plain_phases(pace, units)
        return
    columns = (
        TextColumn("{task.fields[phase]:<8}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[amount]}"),
    )
    with Progress(
        *columns, TimeElapsedColumn(), TextColumn("{task.fields[left]}"), console=console, transient=True
    ) as live:
        task = live.add_task("", total=1.0, phase="", amount="", left="")

        def show(phase: str, done: int, total: int) -> None:
            pace.saw(phase, done, total)
            live.update(
                task,
                completed=pace.whole,
                phase=phase,
                amount=_pace_text(pace, phase, done, total, units),
                left=_left(pace),
            )

        yield show


def _plain_phases(pace: Pace, units: Mapping[str, str]) -> Callable[[str, int, int], None]:
    said: dict[str, float] = {}
    ended: set[str] = set()

    def say(phase: str, done: int, total: int) -> None:
        pace.saw(phase, done, total)
        now = pace.clock()
        over = done >= total and phase not in ended
        if over or (done < total and now - said.get(phase, pace.begun[phase][0]) >= QUIET_SECONDS):
            said[phase] = now
            if over:
                ended.add(phase)
            words = [_pace_text(pace, phase, done, total, units), _left(pace)]
            print(f"{phase}: {', '.join(word for word in words if word)}", file=sys.stderr, flush=True)

    return say


def _pace_text(pace: Pace, phase: str, done: int, total: int, units: Mapping[str, str]) -> str:
    rate, unit = pace.rate(phase, done), units.get(phase, "pairs")
    return amount(done, total, unit) + (f", {rate:,.0f}/s" if rate else "")


def _left(pace: Pace) -> str:
    return f"{duration(round(pace.left))} left" if pace.left else ""
