"""Speed of training by batching strategy and by lever: `make bench-train`.

    python -m tests.benchmarks.train --rounds 3

Each contestant is a training job of its own with the pipeline's own shards, plan, set-up and Trainer; only its text is
random ids, in the lengths of real sentences. The model is a small Mistral on a CPU, and one of 7B on a GPU. Contestants take
turns, and that `--rounds` times, so that a machine that slows down slows all of them. What counts is the process's CPU
seconds on one thread, or the device's seconds on a GPU: other work on the machine changes the first little. Ratios are
formed within each round; given are their median and range.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported: threads that wait for each other burn CPU seconds

import torch

from steps.job import Refused
from steps.levers import Levers
from tests.benchmarks.gpu_model import random_base
from tests.benchmarks.train_job import FULL, TINY, Setting, fill, stage
from tests.benchmarks.train_lengths import REVIEWS, Lengths, read_lengths
from tests.benchmarks.train_report import Result, draw, section, write_section
from tests.benchmarks.train_timing import Timing, time_setting
from tests.benchmarks.vocabulary import ROOT

BASELINE, DEFAULT = "padded to 256, batch 1", "token budget 1,024"
PAIRS = 48  # of the reviews: 92 examples, 9,000 tokens
LEAST = 2.2  # times the baseline, for the best strategy in its worst round
BUDGET = Levers(batching="token-budget")
PADDED = Levers(batching="padded")


@dataclass(frozen=True)
class Contestant:
    """A setting, and what it is compared with."""

    setting: Setting
    against: str
    steps: int | None = None
    """None: one epoch."""

    @property
    def name(self) -> str:
        """As in the tables."""
        return self.setting.name


def strategies() -> list[Contestant]:
    """Batching strategies against the lost run's: every example padded to 256, one at a time, 16 a step."""

    def one(name: str, levers: Levers, pack: int, *, alone: bool = False, serial: bool = False) -> Contestant:
        return Contestant(Setting(name, levers, pack, 4_096, alone=alone, one_at_a_time=serial), BASELINE)

    recomputing = PADDED.model_copy(update={"gradient_checkpointing": "on"})
    return [
        one(BASELINE, PADDED, 256, serial=True),
        one("the same, gradient checkpointing", recomputing, 256, serial=True),
        one("padded to 256, 16 at once", PADDED, 256),
        one("unpadded, batch 1", BUDGET, 256, alone=True),
        one("token budget 512", BUDGET, 512),
        one(DEFAULT, BUDGET, 1_024),
        one("packed 256", Levers(), 256, serial=True),
        one("packed 512", Levers(), 512, serial=True),
        one("packed 1,024", Levers(), 1_024, serial=True),
    ]


def levers() -> list[Contestant]:
    """One lever at a time, against the defaults on the strategy that is best on a CPU."""
    changes: dict[str, dict[str, object]] = {
        "gradient checkpointing on": {"gradient_checkpointing": "on"},
        "dropout 0.05": {"lora_dropout": 0.05},
        "rsLoRA": {"rslora": True},
        "logits everywhere": {"logits": "all"},
        "AdamW not fused": {"optimizer": "adamw_torch"},
        "compile (packed 1,024)": {"compile": True, "batching": "packed"},
        "Liger kernels": {"kernels": "liger"},
        "varlen attention": {"attention": "varlen"},
    }
    made = [Contestant(Setting(name, BUDGET.model_copy(update=change)), DEFAULT) for name, change in changes.items()]
    return [*made, Contestant(Setting("all-linear targets", BUDGET, targets="all-linear"), DEFAULT)]


def race(contestants: list[Contestant], rounds: int, lengths: Lengths, staged: Path, cache: Path) -> list[Result]:
    """Run all in turn, there and back. A contestant that this machine refuses is left out with its reason."""
    results = [Result(contestant.name, contestant.against) for contestant in contestants]
    for number in range(1, rounds + 1):
        turn = list(zip(contestants, results, strict=True))
        for contestant, result in turn if number % 2 else reversed(turn):
            if result.refused:
                continue
            sys.stderr.write(f"round {number}/{rounds}: {contestant.name}\n")
            try:
                timing: Timing = time_setting(cache / "run", staged, lengths, contestant.setting, seed=number)
            except (Refused, ImportError) as error:
                result.refused = str(error).splitlines()[0]
                continue
            result.timings[number] = timing
    return results


def main() -> None:
    """The command line. Exit code 1 where the best strategy's worst round is under `--least` times the baseline."""
    parser = argparse.ArgumentParser(description="Time training by batching strategy and by lever.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pairs", type=int, default=PAIRS, help="sentence pairs, spread over all lengths")
    parser.add_argument("--source", default=REVIEWS, help="part of the sample whose lengths are taken, or all")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these contestants and the baseline")
    parser.add_argument("--least", type=float, default=LEAST, help="times the baseline; 0 asks for nothing")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs", help="where benchmarks.md and the picture are")
    parser.add_argument("--cache", type=Path, default=ROOT / "build" / "benchmarks" / "train")
    parser.add_argument("--json", action="store_true", help="print every timing and write no file")
    given = parser.parse_args()
    torch.set_num_threads(1)
    contestants = [*strategies(), *levers()]
    if given.only:
        unknown = set(given.only) - {contestant.name for contestant in contestants}
        if unknown:
            parser.error(f"no contestant is called {', '.join(sorted(unknown))}")
        wanted = {BASELINE, *given.only}
        contestants = [contestant for contestant in contestants if contestant.name in wanted]
    everything = read_lengths(given.source)
    lengths = everything.thinned(given.pairs)
    cache, on_gpu = given.cache.resolve(), torch.cuda.is_available()
    with random_base(FULL) if on_gpu else contextlib.nullcontext():
        staged = stage(cache / "base-7b", FULL, weights=False) if on_gpu else stage(cache / "base-tiny", TINY)
        results = race(contestants, given.rounds, lengths, staged, cache)
    if given.json:
        sys.stdout.write(json.dumps({result.name: result.record() for result in results}, indent=2) + "\n")
    else:
        fills = {item.name: fill(everything, item.setting) for item in contestants}
        text = section(results, lengths, given.rounds, [item.name for item in strategies()], fills)
        sys.stdout.write(text)
        write_section(given.docs / "benchmarks.md", "bench-train", text)
        draw(results, given.docs / "bench-train.svg")
    best = max((min(ratios) for result in results if (ratios := result.ratios(results))), default=0.0)
    if best < given.least:
        sys.stderr.write(
            f"the best strategy reaches {best:.2f} times the baseline in its worst round, not {given.least}\n"
        )
        sys.exit(1)


if __name__ == "__main__":
    main()
