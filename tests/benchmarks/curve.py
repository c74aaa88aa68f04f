"""How the preparation grows with the corpus: seconds, CPU seconds and peak memory over the number of pairs."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks import ours
from tests.benchmarks.measure import run
from tests.benchmarks.synthetic import write_corpus
from tests.benchmarks.vocabulary import find_sample, read_vocabulary

SIZES = (100_000, 300_000, 1_000_000, 3_000_000, 6_100_000)


@dataclass(frozen=True)
class Point:
    """One run with everything on."""

    pairs: int
    seconds: float
    cpu: float
    peak_mb: float


def measure(cache: Path, sizes: Sequence[int], workers: int) -> list[Point]:
    """Run ours over corpora of these sizes. A corpus is made before its run and removed after it."""
    words = read_vocabulary(find_sample())
    points = []
    for size in sizes:
        corpus, out = cache / f"curve-{size}", cache / "results" / "curve"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        write_corpus(corpus, size, seed=1, words=words)
        sys.stderr.write(f"{size:,} pairs\n")
        command = ours.command(corpus, out / "prepared", "--workers", str(workers))
        measured = run(command, out / "log")
        points.append(Point(size, round(measured.wall, 1), round(measured.cpu, 1), round(measured.peak / 1e6)))
        shutil.rmtree(corpus)
    return points


def table(points: Sequence[Point]) -> str:
    """One line a size, in Markdown."""
    lines = ["| pairs | seconds | CPU s | pairs per CPU s | peak MB |", "|--:|--:|--:|--:|--:|"]
    lines += [
        f"| {point.pairs:,} | {point.seconds:.0f} | {point.cpu:.0f} | {point.pairs / point.cpu:,.0f}"
        f" | {point.peak_mb:,.0f} |"
        for point in points
    ]
    return "\n".join(lines) + "\n"


def draw(points: Sequence[Point], picture: Path) -> None:
    """Save two small charts: CPU and wall seconds, and memory. Byte-identical for equal points."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    mpl.rcParams["svg.hashsalt"] = "asusu"
    millions = [point.pairs / 1e6 for point in points]
    figure = Figure(figsize=(7.2, 2.6), layout="constrained")
    time, memory = figure.subplots(1, 2)
    time.plot(millions, [point.cpu for point in points], marker="o", markersize=4, color="#1f4e5f", label="CPU")
    time.plot(millions, [point.seconds for point in points], marker="o", markersize=4, color="#c0682c", label="wall")
    time.set(title="seconds", xlabel="million pairs")
    time.legend(frameon=False)
    memory.plot(millions, [point.peak_mb for point in points], marker="o", markersize=4, color="#1f4e5f")
    memory.set(title="peak resident MB, all processes", xlabel="million pairs")
    for axes in (time, memory):
        axes.set_ylim(bottom=0)
        axes.set_xlim(left=0)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="y", linewidth=0.4, alpha=0.5)
    picture.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(picture, format="svg", metadata={"Date": None})
