"""How fast work of several phases goes, and how long the rest of it takes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

FIRST_ESTIMATE = 2.0  # seconds before which a pace says nothing


@dataclass
class Pace:
    """How far work of several phases is as a whole, how fast the present phase is, and how long the rest takes.

    `costs` are the phases' shares of the time, in any unit. A phase that is not among them counts as nothing. Work that
    was found done already, in the first call of a phase, does not count as speed.
    """

    costs: Mapping[str, float]
    clock: Callable[[], float] = time.monotonic
    shares: dict[str, float] = field(default_factory=dict)  # done of each phase, 0 to 1
    begun: dict[str, tuple[float, int]] = field(default_factory=dict)  # of each phase: when, and how far on

    def __post_init__(self) -> None:
        self._start = self.clock()
        self._given = 0.0  # share of the whole that was done when it was first heard of

    @property
    def whole(self) -> float:
        """Share of the whole work that is done, 0 to 1."""
        done = sum(cost * self.shares.get(phase, 0.0) for phase, cost in self.costs.items())
        return done / (sum(self.costs.values()) or 1.0)

    def saw(self, phase: str, done: int, total: int) -> None:
        """A phase has done so much. Phases before it, in the order of `costs`, may still go on."""
        share = min(done / total, 1.0) if total else 1.0
        if phase not in self.begun:
            self.begun[phase] = (self.clock(), done)
            if self.clock() - self._start < FIRST_ESTIMATE:
                self._given += self.costs.get(phase, 0.0) * share / (sum(self.costs.values()) or 1.0)
        self.shares[phase] = max(share, self.shares.get(phase, 0.0))

    def rate(self, phase: str, done: int) -> float:
        """Rows a second of a phase since it began; 0 while that says nothing."""
        when, before = self.begun[phase]
        passed = self.clock() - when
        return (done - before) / passed if passed >= FIRST_ESTIMATE else 0.0

    @property
    def left(self) -> float | None:
        """Seconds until all phases are done, None while that cannot be said."""
        passed, done = self.clock() - self._start, self.whole - self._given
        return passed / done * (1.0 - self.whole) if passed >= FIRST_ESTIMATE and done > 0 else None
