"""SIGTERM as a flag that the whole job sees, from before the model is loaded until its report is written."""

from __future__ import annotations

import signal
from typing import Any


class StopSignal:
    """True once SIGTERM came. Only a flag is set: a handler that prints may interrupt a print, which Python refuses."""

    def __init__(self) -> None:
        self._received = False

    def __bool__(self) -> bool:
        return self._received

    def install(self) -> None:
        """Take SIGTERM over for the rest of the process: the platform sends it 120 s before it kills."""
        signal.signal(signal.SIGTERM, self._receive)

    def _receive(self, number: int, frame: Any) -> None:
        self._received = True
