"""Speed and memory of the preparation against other programs: `make bench-prepare`.

    python -m tests.benchmarks.prepare --rows 1000000 --rounds 3
    python -m tests.benchmarks.prepare --curve

Programs run one after another, and that `--rounds` times, so that a machine that slows down slows all of them. What
counts is CPU seconds, of all processes together: other work on the machine changes them little. Ratios are formed
within each round; given are their median and range.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.benchmarks import curve
from tests.benchmarks.contestants.entries import ENTRIES, EXACT, OURS, Place
from tests.benchmarks.measure import Failed, Measured
from tests.benchmarks.synthetic import write_corpus
from tests.benchmarks.vocabulary import find_sample, read_vocabulary

MEGABYTE = 1e6


@dataclass
class Result:
    """All runs of one program over one corpus."""

    name: str
    runs: list[Measured] = field(default_factory=list)
    kept: int = 0

    def cpu(self) -> list[float]:
        """CPU seconds by round."""
        return [run.cpu for run in self.runs]

    def peak(self) -> list[float]:
        """Peak memory in MB by round."""
        return [run.peak / MEGABYTE for run in self.runs]


def race(place: Place, names: list[str], rounds: int) -> dict[str, Result]:
    """Run the named programs in turn. Raises Failed when one fails, or does not keep the same pairs each time."""
    results = {name: Result(name) for name in names}
    for number in range(1, rounds + 1):
        for entry in ENTRIES:
            if entry.name not in results:
                continue
            sys.stderr.write(f"round {number}/{rounds}: {entry.name}\n")
            measured, kept = entry.run(place)
            result = results[entry.name]
            if result.runs and kept != result.kept:
                raise Failed(f"{entry.name} kept {result.kept} pairs, then {kept} of the same corpus")
            result.runs.append(measured)
            result.kept = kept
    return results


def ratio(own: list[float], reference: list[float]) -> str:
    """Median and range of one figure over another, formed round by round."""
    values = sorted(mine / its for mine, its in zip(own, reference, strict=True))
    return f"{statistics.median(values):.2f} ({values[0]:.2f}–{values[-1]:.2f})"


def table(results: dict[str, Result], rows: int) -> str:
    """One line a program, in Markdown. Ratios are to this package with the shared rules, where that ran."""
    lines = [
        f"| {rows:,} pairs | CPU s | pairs per CPU s | CPU s over ours, shared | peak MB | peak over ours, shared | kept |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    reference = results.get(OURS)
    for result in results.values():
        cpu, peak = sorted(result.cpu()), sorted(result.peak())
        over = [""] * 2
        if reference:
            over = [ratio(result.cpu(), reference.cpu()), ratio(result.peak(), reference.peak())]
        lines.append(
            f"| {result.name} | {cpu[0]:.1f}–{cpu[-1]:.1f} | {rows / statistics.median(cpu):,.0f} | {over[0]}"
            f" | {peak[0]:,.0f}–{peak[-1]:,.0f} | {over[1]} | {result.kept:,} |"
        )
    return "\n".join(lines) + "\n"


def agreement(results: dict[str, Result]) -> str:
    """One sentence on the programs whose rules are identical. Raises Failed when they kept different numbers."""
    kept = {name: results[name].kept for name in EXACT if name in results}
    if len(set(kept.values())) > 1:
        raise Failed(f"programs with identical rules kept different numbers of pairs: {kept}")
    return (
        f"identical rules, identical counts: {', '.join(kept)} kept {next(iter(kept.values())):,} pairs\n"
        if kept
        else ""
    )


def main() -> None:
    """The command line. Exit code 1 when a program fails or counts disagree."""
    parser = argparse.ArgumentParser(description="Compare the preparation with other programs on a synthetic corpus.")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=[entry.name for entry in ENTRIES], help="some programs only")
    parser.add_argument("--curve", action="store_true", help="ours alone, from 0.1 to 6.1 million pairs")
    parser.add_argument("--sizes", type=int, nargs="+", default=curve.SIZES, help="pairs of the curve's points")
    parser.add_argument("--workers", type=int, default=2, help="processes of the curve's runs")
    parser.add_argument("--picture", type=Path, default=Path("docs") / "bench-prepare.svg")
    parser.add_argument(
        "--cache", type=Path, default=Path("build") / "benchmarks", help="corpora, environments, results"
    )
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    cache = given.cache.resolve()
    try:
        if given.curve:
            points = curve.measure(cache, given.sizes, given.workers)
            sys.stdout.write(
                json.dumps([vars(point) for point in points]) + "\n" if given.json else curve.table(points)
            )
            curve.draw(points, given.picture)
            return
        corpus = cache / f"synthetic-{given.rows}"
        write_corpus(corpus, given.rows, seed=1, words=read_vocabulary(find_sample()))
        names = given.only or [entry.name for entry in ENTRIES]
        results = race(Place(corpus, cache / "results", cache / "environments"), names, given.rounds)
        if given.json:
            document = {
                name: {"kept": result.kept, "runs": [vars(run) for run in result.runs]}
                for name, result in results.items()
            }
            sys.stdout.write(json.dumps({"rows": given.rows, "results": document}, indent=2) + "\n")
        else:
            sys.stdout.write(table(results, given.rows))
        sys.stderr.write(agreement(results))
    except Failed as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(1)


if __name__ == "__main__":
    main()
