"""What a fault's run is held to: the promises of docs/reliability.md, one by one."""

from __future__ import annotations

import hashlib
import re
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from signal import SIGKILL, SIGTERM, SIGXFSZ
from typing import Any

from tests.drill.faults import Fault, Unbroken
from tests.drill.platform import Attempt, Platform

EXCEPTION = re.compile(r"^[\w.]*(Error|Exception|Exit|Interrupt)\b")
CLAUSES = re.compile(r"[.;:,] \S+ \S+")


@dataclass
class Outcome:
    """One fault and what came of it."""

    number: int
    seed: int
    kind: str
    words: str
    inside_save: bool
    starts: int
    resumed_from: list[int]
    """For each start after the first."""
    refusals: list[str]
    """Reasons that processes gave for ending without a signal."""
    lost: int
    """Most optimiser steps done again after any of its ends."""
    in_flight: bool
    """The machine was lost with its newest whole checkpoint still on the way to the store."""
    weights_equal: bool
    restart_seconds: float
    """Mean seconds from a new process to its first step, or to its end where none was left."""
    skipped: list[str]
    """Checkpoints passed over, as the log names them."""
    happened: bool
    """Was each process struck that was to be?"""
    violations: list[str] = field(default_factory=list)

    @property
    def again(self) -> str:
        """The command that does just this one again."""
        return f"python -m tests.drill --seed {self.seed} --only {self.number}"

    def document(self) -> dict[str, Any]:
        """For --json."""
        return {**asdict(self), "again": self.again}


def sha256(path: Path) -> str:
    """Sum of a file, empty where there is none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def judge(fault: Fault, run: Unbroken, platform: Platform, attempts: list[Attempt]) -> Outcome:
    """Compare the attempts with the promises."""
    wrong: list[str] = []
    last = attempts[-1]
    refusals = [attempt.failure for attempt in attempts if attempt.failure]
    wrong += _struck(fault, attempts)
    wrong += [f"its reason does not say what to do: {text!r}" for text in refusals if not is_reason(text)]
    for attempt in attempts:
        if attempt.exit_code > 0 and not attempt.failure:
            wrong.append(f"start {attempt.number + 1} ended with {attempt.exit_code} and left no reason")
    if not finished(last, run):
        wrong.append(f"after {len(attempts)} starts it is at step {last.reached} of {run.total_steps}: {last.failure}")
    equal = bool(last.weights) and sha256(last.weights or Path()) == run.weights
    if finished(last, run) and not equal:
        wrong.append("the final weights are not the unbroken run's")

    lost, in_flight, resumed, skipped = 0, False, [], []
    for before, after in pairwise(attempts):
        wrong += _resumption(platform, after)
        skipped += [str(event.get("reason")) for event in after.named("checkpoint_skipped")]
        if after.began_at is None:
            continue
        resumed.append(after.began_at)
        done = max((attempt.reached or 0 for attempt in attempts[: after.number]), default=0)
        gone = max(0, (before.reached if before.reached is not None else done) - after.began_at)
        flying = _lost_machine(fault, before) and max(before.sealed, default=0) > max(before.stored, default=0)
        intervals = max(fault.intervals, 2 if flying else 1)
        if gone > intervals * run.save_steps:
            wrong.append(
                f"{gone} steps lost (from {before.reached} to {after.began_at}), {intervals} x {run.save_steps} allowed"
            )
        lost, in_flight = max(lost, gone), in_flight or flying
    taken = [name for name in platform.store.deleted() if not _by_us(name.strip("/"), platform.removed)]
    if taken:
        wrong.append(f"deleted from the synchronised folder: {', '.join(taken[:3])}")
    return Outcome(
        number=fault.number,
        seed=fault.seed,
        kind=fault.kind,
        words=fault.words,
        inside_save=fault.inside_save,
        starts=len(attempts),
        resumed_from=resumed,
        refusals=refusals,
        lost=lost,
        in_flight=in_flight,
        weights_equal=equal,
        restart_seconds=_restart_seconds(attempts[1:]),
        skipped=skipped,
        happened=all(attempt.struck for attempt in attempts[: len(fault.blows)]),
        violations=wrong,
    )


def finished(attempt: Attempt, run: Unbroken) -> bool:
    """Did this process end as a run that did all its steps?"""
    return attempt.exit_code == 0 and bool(attempt.report) and (attempt.report or {})["steps"] == run.total_steps


def is_reason(text: str) -> bool:
    """A sentence or two with what is wrong and what to do, not the name of an exception."""
    return not EXCEPTION.match(text) and len(text.split()) >= 8 and bool(CLAUSES.search(text))


def _struck(fault: Fault, attempts: list[Attempt]) -> list[str]:
    """A drill whose faults do not happen proves nothing, so that is a violation too."""
    wrong = []
    for blow, attempt in zip(fault.blows, attempts, strict=False):
        ends = {SIGKILL: (-SIGKILL, -SIGXFSZ), SIGTERM: (0,)}[blow.number]
        if not attempt.struck:
            wrong.append(f"the fault did not happen: {blow.words}")
        elif attempt.exit_code not in ends:
            wrong.append(f"after {blow.words} it ended with {attempt.exit_code}: {attempt.failure}")
    if fault.obstacle and not attempts[fault.obstacle.start].failure:
        wrong.append(f"nothing was refused: {fault.obstacle.how}")
    return wrong


def _resumption(platform: Platform, attempt: Attempt) -> list[str]:
    """It must go on from the newest whole checkpoint, and name every newer one with a reason."""
    if attempt.began_at is None:
        return []
    bad = platform.damaged if attempt.number == 1 else set()
    usable = [step for step, problem in attempt.restored.items() if not problem and step not in bad]
    wrong = []
    newest = max(usable, default=0)
    if attempt.began_at != newest:
        wrong.append(
            f"start {attempt.number + 1} went on from step {attempt.began_at}; the newest whole checkpoint is {newest}"
        )
    named = {str(event.get("checkpoint")) for event in attempt.named("checkpoint_skipped") if event.get("reason")}
    for step in attempt.restored:
        if step > attempt.began_at and f"checkpoint-{step}" not in named:
            wrong.append(f"checkpoint-{step} was passed over without a word")
    return wrong


def _lost_machine(fault: Fault, attempt: Attempt) -> bool:
    return attempt.number < len(fault.blows) and fault.blows[attempt.number].machine_lost


def _by_us(name: str, removed: set[str]) -> bool:
    return name in removed or name.split("/", maxsplit=1)[0] in removed


def _restart_seconds(attempts: list[Attempt]) -> float:
    seconds = [when for attempt in attempts if (when := attempt.when("train", "finished")) is not None]
    return sum(seconds) / len(seconds) if seconds else 0.0
