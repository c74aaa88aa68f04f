"""How fast training goes: seconds of each optimiser step, and the part of them spent waiting for data."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import torch

RECENT_STEPS = 256


@dataclass
class Pace:
    """Steps with their data loading; probes, saves and validations are not counted, nor is the first step, which warms up."""

    step_seconds: list[float] = field(default_factory=list)
    waiting_seconds: float = 0.0
    _waiting_first: float = 0.0
    _mark: float = field(default_factory=time.monotonic)

    def resume(self) -> None:
        """The clock of the next step starts now."""
        self._mark = time.monotonic()

    def step_done(self) -> None:
        """A step has ended; a GPU is waited for, since it runs behind the program."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.step_seconds.append(time.monotonic() - self._mark)
        if len(self.step_seconds) == 1:
            self._waiting_first = self.waiting_seconds
        self.resume()

    @property
    def steady(self) -> list[float]:
        """Seconds of the steps after the first, or of the only one."""
        return self.step_seconds[1:] or self.step_seconds

    def percentile(self, share: float, *, recent: bool = False) -> float:
        """Seconds that `share` of the steps do not take longer than; 0.0 before the first. `recent`: of the last ones."""
        seconds = sorted(self.steady[-RECENT_STEPS:] if recent else self.steady)
        return seconds[min(len(seconds) - 1, int(share * len(seconds)))] if seconds else 0.0

    @property
    def waiting_share(self) -> float:
        """Share of the time of these steps that was spent waiting for data."""
        total = sum(self.steady)
        waited = self.waiting_seconds - (self._waiting_first if len(self.step_seconds) > 1 else 0.0)
        return min(1.0, waited / total) if total else 0.0
