"""The running execution: every change is on disk before anybody hears of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from pipeline.local.record import Execution, ExecutionStatus, StepRecord, epoch_now, save


class Listener(Protocol):
    """Whoever watches a run, such as the live view."""

    def on_step(self, record: StepRecord, /) -> None:
        """A step's record has changed."""

    def on_line(self, step: str, text: str, /) -> None:
        """The job of a step printed one line on standard output."""


class Silent:
    """A listener that does nothing."""

    def on_step(self, record: StepRecord, /) -> None:
        """Nothing."""

    def on_line(self, step: str, text: str, /) -> None:
        """Nothing."""


class Ledger:
    """Holds the execution while it runs; writes the record and tells the listener at each change."""

    def __init__(self, workdir: Path, execution: Execution, listener: Listener) -> None:
        self.execution = execution
        self.listener = listener
        self._workdir = workdir
        save(workdir, execution)

    def change(self, name: str, **changes: Any) -> StepRecord:
        """Change fields of one step's record."""
        record = replace(self.execution.step(name), **changes)
        self.execution = self.execution.with_step(record)
        save(self._workdir, self.execution)
        self.listener.on_step(record)
        return record

    def end(self, status: ExecutionStatus, reason: str = "", *, refused: bool = False) -> Execution:
        """Close the execution."""
        self.execution = replace(
            self.execution, status=status, failure_reason=reason, refused=refused, ended=epoch_now()
        )
        save(self._workdir, self.execution)
        return self.execution
