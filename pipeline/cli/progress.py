"""Progress of long work: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

QUIET_SECONDS = 10.0


@contextmanager
def bar(title: str) -> Iterator[Callable[[int, int, str], None]]:
    """A function `(done, total, unit)` to call as work goes on."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _plain(title)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[unit]}"))
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=console, transient=True) as progress:
        task = progress.add_task(title, total=None, unit="")
        yield lambda done, total, unit: progress.update(task, completed=done, total=total, unit=unit)


def _plain(title: str) -> Callable[[int, int, str], None]:
    said = 0.0

    def say(done: int, total: int, unit: str) -> None:
        nonlocal said
        if done == total or time.monotonic() - said >= QUIET_SECONDS:
            said = time.monotonic()
            print(f"{title}: {done} of {total} {unit}", file=sys.stderr, flush=True)

    return say
