"""A drill: the unbroken run once, then one run for each fault."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tests.drill.faults import Fault, Unbroken
from tests.drill.platform import Attempt, Place, Platform
from tests.drill.tiny import make_base_model, make_tokens
from tests.drill.verdict import Outcome, finished, judge, sha256

STEPS = 40
SAVE_STEPS = 5
MOST_STARTS = 5
MOST_TRIES = 3


class Broken(Exception):
    """The drill itself cannot be done."""


def make_place(folder: Path, steps: int = STEPS) -> Place:
    """A base model and token shards for runs of so many steps of 16 packs, some 25 ms each."""
    model = make_base_model(folder / "base-model")
    sizes = {"MaxSteps": str(steps), "TokensPerStep": "1024"}
    tokens = make_tokens(model, folder / "tokens", repeats=40, **sizes)
    saving = {"save_steps": str(SAVE_STEPS), "save_minutes": "60"}
    return Place(folder, model, tokens, saving)


def run_unbroken(place: Place) -> Unbroken:
    """The run without a fault. Raises Broken where even that does not end well."""
    platform = Platform(place, "unbroken")
    attempt = platform.start(0, None, None)
    report = attempt.report
    if attempt.exit_code or not report or not attempt.weights:
        log = (platform.folder / "start-1" / "stderr.log").read_text(encoding="utf-8")[-2000:]
        raise Broken(f"the run without any fault failed: {attempt.failure}\n{log}")
    newest = platform.stored / f"checkpoint-{attempt.stored[-1]}"
    files = sorted(path.name for path in newest.iterdir())
    last = next(index for index, (_, event) in enumerate(attempt.events) if event.get("step") == report["steps"])
    evaluations = [event for _, event in attempt.events[:last] if event.get("event") == "validation"]
    return Unbroken(
        weights=sha256(attempt.weights),
        total_steps=int(report["steps"]),
        save_steps=SAVE_STEPS,
        saved=attempt.stored,
        files=files,
        sizes=[
            {name: (platform.stored / f"checkpoint-{step}" / name).stat().st_size for name in files}
            for step in attempt.stored
        ],
        evaluations=len(evaluations),
    )


def run_fault(fault: Fault, run: Unbroken, place: Place, *, keep: bool = False) -> Outcome:
    """Start, strike, start again until it has finished, and judge. What a faultless outcome left is removed.

    Where the process was faster than the fault, which a busy machine makes possible, it is tried again.
    """
    for tries in range(1, MOST_TRIES + 1):
        platform = Platform(place, f"fault-{fault.number}-{tries}")
        attempts = list(_attempts(fault, run, platform))
        outcome = judge(fault, run, platform, attempts)
        if not outcome.violations and not keep:
            platform.forget()
        if outcome.happened:
            break
    return outcome


def _attempts(fault: Fault, run: Unbroken, platform: Platform) -> Iterator[Attempt]:
    last_fault = max(len(fault.blows) - 1, fault.obstacle.start if fault.obstacle else 0)
    for number in range(MOST_STARTS):
        attempt = platform.start(number, fault.blows[number] if number < len(fault.blows) else None, fault)
        yield attempt
        if number == 0 and fault.damage and not fault.damage.while_running and attempt.struck:
            platform.damage(fault.damage)
        if number > last_fault and finished(attempt, run):
            return


def drill(faults: list[Fault], run: Unbroken, place: Place, workers: int, *, keep: bool = False) -> Iterator[Outcome]:
    """Outcomes in the order in which they are known."""
    with ThreadPoolExecutor(workers) as pool:
        waiting = [pool.submit(run_fault, fault, run, place, keep=keep) for fault in faults]
        try:
            for future in as_completed(waiting):
                yield future.result()
        except BaseException:
            for future in waiting:
                future.cancel()
            raise
