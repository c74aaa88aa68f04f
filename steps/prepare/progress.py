"""Progress events while a phase goes over its pairs."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from steps import job

SECONDS_BETWEEN_EVENTS = 1.0

Item = TypeVar("Item")


def watched(items: Iterable[Item], total: int, phase: str) -> Iterator[Item]:
    """The items, unchanged, with at most one progress event a second and one when all are done."""
    done = 0
    last = time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        if time.monotonic() - last >= SECONDS_BETWEEN_EVENTS:
            last = time.monotonic()
            job.progress(done, max(done, total), "pairs", phase=phase)
    job.progress(done, done, "pairs", phase=phase)
