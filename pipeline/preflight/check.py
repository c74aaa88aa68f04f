"""What a check says: four answers, of which only one is "ok"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Status = Literal["ok", "warning", "refused", "unknown"]
WORST_FIRST: tuple[Status, ...] = ("refused", "unknown", "warning", "ok")


@dataclass(frozen=True)
class Check:
    """One thing that was looked at. `fix` is what to do about it, a command where there is one.

    `unknown` means that nobody could tell, for want of an answer or of a permission; it is never a kind of ok.
    """

    name: str
    status: Status
    detail: str
    fix: str = ""


def verdict(checks: Sequence[Check]) -> Status:
    """The worst of all answers; unknown where nothing was looked at."""
    return next((status for status in WORST_FIRST if any(check.status == status for check in checks)), "unknown")
