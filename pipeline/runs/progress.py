"""How far a step is, read from the JSON lines that it prints."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

SPOKEN = ('{"event": "progress"', '{"event": "note"')


@dataclass(frozen=True)
class Progress:
    """The last thing a step said: a note, or a progress event and when its phase was first seen, and how far on.

    `moment` is when it was said, in epoch seconds.
    """

    moment: float
    note: str = ""
    event: dict[str, Any] | None = None
    phase: tuple[float, int] = (0.0, 0)


def progress_in(lines: Iterable[tuple[float, str]]) -> Progress | None:
    """The state after some lines of a log, each with its time in epoch seconds; None where none of them says one.

    The pace is taken over the lines of the present phase: those of one unit, since it last went back.
    """
    last: Progress | None = None
    for moment, text in lines:
        event = _event(text)
        if event is None:
            continue
        if event["event"] == "note":
            last = Progress(moment, note=str(event.get("text", "")))
        elif isinstance(event.get("done"), int) and isinstance(event.get("total"), int) and "unit" in event:
            before = last.event if last else None
            goes_on = before and before["unit"] == event["unit"] and before["done"] <= event["done"]
            phase = last.phase if last and goes_on else (moment, event["done"])
            last = Progress(moment, event=event, phase=phase)
    return last


def _event(text: str) -> dict[str, Any] | None:
    if not text.startswith(SPOKEN):
        return None
    try:
        event = json.loads(text)
    except ValueError:
        return None  # cut by the log
    return event if isinstance(event, dict) else None
