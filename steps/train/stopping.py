"""SIGTERM as a flag that the whole job sees, from before the model is loaded until its report is written."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Stopped(BaseException):
    """SIGTERM came where nothing can be lost. Not an Exception: libraries catch those while they load."""


class StopSignal:
    """True once SIGTERM came. Only a flag is set: a handler that prints may interrupt a print, which Python refuses."""

    def __init__(self) -> None:
        self._received = self._ends = False

    def __bool__(self) -> bool:
        return self._received

    def install(self) -> None:
        """Take SIGTERM over for the rest of the process: the platform sends it 120 s before it kills.

        As a container's first process a program without a handler does not even notice it.
        """
        signal.signal(signal.SIGTERM, self._receive)

    @contextmanager
    def ends_this(self) -> Iterator[None]:
        """Inside, SIGTERM raises Stopped: loading a model may take longer than the time there is."""
        self._ends = True
        try:
            if self._received:
                raise Stopped
            yield
        finally:
            self._ends = False

    def _receive(self, number: int, frame: Any) -> None:
        again, self._received = self._received, True
        if self._ends and not again:
            raise Stopped
