"""The live view of a local run: the DAG with state, elapsed time and each step's own progress."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from pipeline.definition import Step
from pipeline.local.record import StepRecord
from pipeline.review.wording import duration

QUIET_SECONDS = 15.0
ENDED = ("Succeeded", "Failed", "Stopped")
MARKS = {
    "Pending": ("·", "dim"),
    "Executing": ("▶", "bold cyan"),
    "Succeeded": ("✓", "green"),
    "Failed": ("✗", "bold red"),
    "Stopped": ("■", "yellow"),
    "Skipped": ("–", "dim"),
}


def describe_progress(event: dict[str, Any], phase: tuple[float, int], now: float) -> str:
    """`41/95 steps, loss 1.93, 12 s left` from a progress event; `phase` is when it was first seen, and how far on."""
    done, total = int(event["done"]), int(event["total"])
    started, before = phase
    extras = [
        f"{key.replace('_', ' ')} {_short(value)}"
        for key, value in event.items()
        if key not in ("event", "done", "total", "unit")
    ]
    pace = (now - started) / (done - before) if done > before else 0.0
    left = [f"{duration(round(pace * (total - done)))} left"] if now - started > 2 and done < total else []
    return ", ".join([f"{done:,}/{total:,} {event['unit']}", *extras, *left])


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.4g}"
    return str(value)


class View:
    """Listener of a local run. Use it as a context manager around the run.

    In a terminal the steps that have not ended are drawn in place; one that has ended leaves its whole line above them.
    `clock` gives the time, in epoch seconds, at which a running step was known to run.
    """

    def __init__(
        self,
        steps: Sequence[Step],
        console: Console,
        quiet_seconds: float = QUIET_SECONDS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._console = console
        self._clock = clock
        self._quiet_seconds = quiet_seconds  # between two lines of progress, where they are not drawn in place
        self._rows: dict[str, StepRecord | None] = {step.name: None for step in steps}
        self._depth = {step.name: 2 if step.branch else 0 for step in steps}
        self._notes: dict[str, str] = {}
        self._phases: dict[tuple[str, str], tuple[float, int]] = {}
        self._said = 0.0
        self._live = (
            Live(get_renderable=self._table, console=console, refresh_per_second=4) if console.is_terminal else None
        )

    def __enter__(self) -> View:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *failure: object) -> None:
        if self._live:
            self._live.stop()

    def on_step(self, step: StepRecord) -> None:
        """A step's record changed."""
        before, self._rows[step.name] = self._rows[step.name], step
        if before is not None and before.status == step.status:
            return
        if step.status == "Executing":
            self._notes.pop(step.name, None)
        if step.status in ENDED or (self._live is None and step.status == "Executing"):
            if self._live:
                self._live.refresh()  # takes it out of what is drawn in place
            self._console.print(self._line(step), highlight=False, soft_wrap=True)

    def on_line(self, name: str, text: str) -> None:
        """A step printed a line; progress events become its note."""
        if not text.startswith(('{"event": "progress"', '{"event": "note"')):
            return
        try:
            event = json.loads(text)
        except ValueError:
            return
        if event["event"] == "note":
            self.on_note(name, event["text"])
            return
        now = time.time()
        phase = (name, event["unit"])
        if event["done"] == 0 or phase not in self._phases:
            self._phases[phase] = now, int(event["done"])  # a resumed step does not begin at zero
        self.on_progress(name, describe_progress(event, self._phases[phase], now))

    def on_progress(self, name: str, text: str) -> None:
        """How far a step is, in words: its note until it says something else."""
        changed, self._notes[name] = self._notes.get(name) != text, text
        if changed and self._live is None and time.monotonic() - self._said >= self._quiet_seconds:
            self._said = time.monotonic()
            self._console.print(f"    {name}: {text}", highlight=False, soft_wrap=True, markup=False)

    def on_note(self, name: str, text: str) -> None:
        """What a step found, shown when it has ended; where that was said already, in a line of its own."""
        self._notes[name] = text
        step = self._rows.get(name)
        if text and step is not None and step.status == "Succeeded":
            self._console.print(f"    {name}: {text}", highlight=False, soft_wrap=True, markup=False)

    def _line(self, step: StepRecord) -> Text:
        mark, style = MARKS[step.status]
        name = Text(f"{mark} {step.name}", style)
        if step.status == "Executing":
            return name
        rest = (self._elapsed(step), self._remark(step))
        return Text("  ").join([name, *(Text(part) for part in rest if part)])

    def _elapsed(self, step: StepRecord | None) -> str:
        if step is None or step.started is None or step.reused:
            return ""
        return duration(round(max(0.0, (step.ended or self._clock()) - step.started), 1))

    def _remark(self, step: StepRecord) -> str:
        if step.reused:
            return "reused: same inputs, same code"
        if step.type == "Fail":
            return ""  # the reason of a refusal is the end of the run's own words
        if step.status in ("Failed", "Stopped"):
            return step.reason or ""
        return self._notes.get(step.name, "")

    def _table(self) -> Table:
        table = Table.grid(padding=(0, 2), expand=True)
        table.add_column(no_wrap=True)
        table.add_column(justify="right", no_wrap=True, min_width=8)
        table.add_column(overflow="ellipsis", no_wrap=True, ratio=1)  # long remarks give way, names and times do not
        for name, step in self._rows.items():
            if step and step.status in ENDED:
                continue
            mark, style = MARKS[step.status if step else "Pending"]
            remark = self._remark(step) if step else ""
            table.add_row(
                Text(f"{' ' * self._depth[name]}{mark} {name}", style=style), self._elapsed(step), Text(remark, "dim")
            )
        return table
