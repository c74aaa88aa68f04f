"""Speed of the evaluation's translations, in sorted batches against one sentence at a time: `make bench-generate`.

    python -m tests.benchmarks.generate --rounds 3
    python -m tests.benchmarks.generate --workdir work   # the model of a run that is there

Both ways are the evaluation's own `Translator`, with the prompts, limits and stops of EvaluateModel; what differs is how many
sentences it is given at once. The model is one that the pipeline trained, since one that never learned to stop fills every batch
to its limit. The two ways take turns, in every round and direction, with the threads that a run has. CPU seconds count, since
other work on the machine changes them little, and wall seconds stand beside them; ratios are formed within a round, given are
their median and range.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as `asusu run` sets it, before torch is imported

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from steps.evaluate.generate import Translator
from steps.evaluate.systems import TRAINED, acting_as
from tests.benchmarks.generate_model import ROOT, Trained, find_trained, train_one, translator_of
from tests.benchmarks.train_report import spread, write_section

LEAST = 5.0  # times one sentence at a time, in the worst round
WAYS = ("sorted batches", "one at a time")


@dataclass(frozen=True)
class Timing:
    """One way through one direction of the test split."""

    way: str
    direction: str
    round: int
    sentences: int
    tokens: int
    """Of the answers, with the one that ends each."""
    wall: float
    cpu: float


def race(
    translator: Translator, sentences: tuple[Sequence[str], Sequence[str]], rounds: int
) -> tuple[list[Timing], list[tuple[str, str, str]]]:
    """Every way through both directions, `rounds` times; and (source, in a batch, alone) where the two say different things."""
    timings, different = [], []
    with acting_as(translator.model, TRAINED):
        for direction, name in enumerate(translator.prompter.directions):
            translator.translate(sentences[direction][:2], direction)  # warms up
            for number in range(1, rounds + 1):
                said = {}
                for way in WAYS if number % 2 else WAYS[::-1]:
                    sys.stderr.write(f"{name}, round {number}/{rounds}: {way}\n")
                    timing, said[way] = _time(translator, way, sentences[direction], direction, number)
                    timings.append(timing)
                if number == 1:
                    rows = zip(sentences[direction], *(said[way] for way in WAYS), strict=True)
                    different += [row for row in rows if row[1] != row[2]]
    return timings, different


def _time(
    translator: Translator, way: str, sentences: Sequence[str], direction: int, number: int
) -> tuple[Timing, list[str]]:
    def alone() -> list[str]:
        return [translator.translate([sentence], direction)[0] for sentence in sentences]

    translate: Callable[[], list[str]] = (
        alone if way == WAYS[1] else lambda: translator.translate(list(sentences), direction)
    )
    wall, cpu = time.monotonic(), time.process_time()
    answers = translate()
    wall, cpu = time.monotonic() - wall, time.process_time() - cpu
    tokens = sum(len(translator.prompter.sentence(answer)) + 1 for answer in answers)
    name = translator.prompter.directions[direction]
    return Timing(way, name, number, len(sentences), tokens, wall, cpu), answers


def ratios(timings: Sequence[Timing], direction: str, clock: str = "cpu") -> list[float]:
    """How many times faster sorted batches are, one a round."""
    seconds = {(row.way, row.round): float(getattr(row, clock)) for row in timings if row.direction == direction}
    rounds = sorted({number for _, number in seconds})
    return [seconds[WAYS[1], number] / seconds[WAYS[0], number] for number in rounds]


def section(timings: Sequence[Timing], different: Sequence[tuple[str, str, str]], trained: Trained) -> str:
    """What was found, as Markdown."""
    directions = list(dict.fromkeys(row.direction for row in timings))
    rounds = max(row.round for row in timings)
    lines = [
        f"{trained.name}, {sum(row.sentences for row in timings if (row.way, row.round) == (WAYS[0], 1)):,} sentences of its"
        f" test split; {rounds} rounds, {torch.get_num_threads()} threads, torch {torch.__version__}.",
        "",
        "| direction | way | sentences/s | answer tokens/s | times faster, CPU seconds | times faster, wall seconds |",
        "|---|---|--:|--:|--:|--:|",
    ]
    for direction in directions:
        for way in WAYS:
            rows = [row for row in timings if (row.way, row.direction) == (way, direction)]
            rates = (
                statistics.median(getattr(row, what) / row.wall for row in rows) for what in ("sentences", "tokens")
            )
            sentences, tokens = rates
            faster = [spread(ratios(timings, direction, clock)) if way == WAYS[0] else "1" for clock in ("cpu", "wall")]
            lines.append(f"| {direction} | {way} | {sentences:,.1f} | {tokens:,.0f} | {faster[0]} | {faster[1]} |")
    total = sum(row.sentences for row in timings if (row.way, row.round) == (WAYS[0], 1))
    lines += ["", f"{len(different)} of {total:,} translations differ between the two ways."]
    return "\n".join(lines) + "\n"


def main() -> None:
    """The command line. Exit code 1 where the worst round is under `--least`, or the two ways do not say the same."""
    parser = argparse.ArgumentParser(description="Time the evaluation's translations, in batches and one by one.")
    parser.add_argument("--workdir", type=Path, default=ROOT / "build" / "benchmarks" / "generate", help="of a run")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sentences", type=int, default=0, help="of each direction; 0 takes the whole test split")
    parser.add_argument("--least", type=float, default=LEAST, help="times one at a time; 0 asks for nothing")
    parser.add_argument("--docs", type=Path, default=ROOT / "docs", help="where benchmarks.md is")
    parser.add_argument("--json", action="store_true", help="print every timing and write no file")
    given = parser.parse_args()
    trained = find_trained(given.workdir) or train_one(given.workdir)
    with tempfile.TemporaryDirectory() as scratch:
        translator, held_out = translator_of(trained, Path(scratch))
    some = slice(given.sentences or None)
    sentences = held_out.sources(0)[some], held_out.sources(1)[some]
    timings, different = race(translator, sentences, given.rounds)
    if given.json:
        record = {"timings": [asdict(row) for row in timings], "different": different}
        sys.stdout.write(json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    else:
        text = section(timings, different, trained)
        sys.stdout.write(text)
        write_section(given.docs / "benchmarks.md", "bench-generate", text)
    for source, batched, alone in different[:10]:
        sys.stderr.write(f"{source}\n  in a batch: {batched}\n  alone:      {alone}\n")
    worst = min(min(ratios(timings, direction)) for direction in translator.prompter.directions)
    if worst < given.least:
        sys.exit(f"sorted batches are {worst:.2f} times faster in the worst round, not {given.least:g}")
    if different:
        sys.exit(f"{len(different)} translations depend on what they were translated with")


if __name__ == "__main__":
    main()
