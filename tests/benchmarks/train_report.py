"""What the benchmarks of training found: Markdown tables, a picture, and their place in docs/benchmarks.md."""

from __future__ import annotations

import platform
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from tests.benchmarks.train_job import example_lengths
from tests.benchmarks.train_lengths import Lengths
from tests.benchmarks.train_timing import Timing

RESAMPLES = 2_000
INK, RULE = "#1f4e5f", "#c0682c"


@dataclass
class Result:
    """All runs of one contestant, by round. Ratios are of real tokens a second to those of `against` in the same round."""

    name: str
    against: str
    timings: dict[int, Timing] = field(default_factory=dict)
    refused: str = ""

    def ratios(self, results: Sequence[Result]) -> list[float]:
        """One a round; none where either did not run."""
        reference = next((other.timings for other in results if other.name == self.against), {})
        return [
            timing.tokens_per_second / reference[number].tokens_per_second
            for number, timing in sorted(self.timings.items())
            if number in reference
        ]

    def record(self) -> dict[str, Any]:
        """As JSON."""
        timings = {str(number): timing.record() for number, timing in self.timings.items()}
        return {"against": self.against, "refused": self.refused, "timings": timings}


def spread(ratios: Sequence[float]) -> str:
    """Median and range."""
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})" if ratios else "–"


def interval(own: Sequence[float], reference: Sequence[float]) -> tuple[float, float, float]:
    """Ratio of two means, `own` over `reference`, and its 95 % bootstrap interval: both are drawn again with replacement."""
    rng = random.Random(0)

    def mean(values: Sequence[float]) -> float:
        return statistics.fmean(rng.choices(values, k=len(values)))

    drawn = sorted(mean(own) / mean(reference) for _ in range(RESAMPLES))
    low, high = drawn[int(0.025 * RESAMPLES)], drawn[int(0.975 * RESAMPLES)]
    return statistics.fmean(own) / statistics.fmean(reference), low, high


def machine() -> str:
    """What it was measured on, in words."""
    if torch.cuda.is_available():
        return f"{torch.cuda.get_device_name()}, device seconds, torch {torch.__version__}"
    return f"one thread of {_processor()}, CPU seconds of the process, torch {torch.__version__}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    return f"an {named}" if named[:1] in "AEIOU" and named else f"a {named}" if named else platform.machine()


def section(
    results: Sequence[Result], lengths: Lengths, rounds: int, strategies: Sequence[str], fills: dict[str, float]
) -> str:
    """Two tables in Markdown: strategies against the baseline, levers against the default. `fills` are those of all pairs."""
    examples = [length for both in example_lengths(lengths) for _, length in both]
    mean_length = statistics.fmean(examples)
    parts = [
        f"{len(lengths.first)} pairs spread over {lengths.origin}: {len(examples)} examples of {mean_length:.1f} tokens; "
        f"{rounds} rounds, {machine()}.\n",
        _table("strategy", [result for result in results if result.name in strategies], results, fills, mean_length),
    ]
    levers = [result for result in results if result.name not in strategies]
    if levers:
        parts.append(f"Each lever alone, against {levers[0].against}:\n")
        parts.append(_table("lever", [result for result in levers if not result.refused], results, fills, mean_length))
        parts += [f"- {result.name}: not measured here. {result.refused}" for result in levers if result.refused]
    return "\n".join(parts).rstrip("\n") + "\n"


def _table(
    kind: str, shown: Sequence[Result], results: Sequence[Result], fills: dict[str, float], mean_length: float
) -> str:
    """One line a contestant. Examples a second follow from tokens: which examples were timed makes no difference."""
    lines = [
        f"| {kind} | tokens/s | examples/s | tokens/s, times the reference | slots filled | padding | padding, all pairs |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for result in shown:
        if result.refused:
            continue
        timings = list(result.timings.values())
        tokens = statistics.median(timing.tokens_per_second for timing in timings)
        fill = timings[0].fill
        lines.append(
            f"| {result.name} | {tokens:,.0f} | {tokens / mean_length:,.2f} | {spread(result.ratios(results))}"
            f" | {fill:.1%} | {1 - fill:.1%} | {1 - fills[result.name]:.1%} |"
        )
    return "\n".join(lines) + "\n"


def write_section(page: Path, name: str, text: str) -> None:
    """Put the text between the page's two comments of that name. Raises ValueError for a page that has them not."""
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, opened, rest = page.read_text(encoding="utf-8").partition(start)
    _, closed, after = rest.partition(end)
    if not (opened and closed):
        raise ValueError(f"{page.name} has no place for {name}: put {start} and {end} where it goes")
    page.write_text(f"{before}{start}\n{text}{end}{after}", encoding="utf-8")


def draw(results: Sequence[Result], picture: Path) -> None:
    """Save a chart of the ratios: medians, with lines from the lowest to the highest round. Same figures, same bytes."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    mpl.rcParams["svg.hashsalt"] = "asusu"
    groups = list(dict.fromkeys(result.against for result in results))
    shown = {
        against: [
            (result.name, ratios)
            for result in results
            if result.against == against and (ratios := result.ratios(results))
        ]
        for against in groups
    }
    shown = {against: rows for against, rows in shown.items() if rows}
    heights = [len(rows) for rows in shown.values()]
    figure = Figure(figsize=(7.2, 0.9 * len(heights) + 0.27 * sum(heights)), layout="constrained")
    axes = figure.subplots(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
    for panel, (against, rows) in zip(axes, shown.items(), strict=True):
        for place, (_, ratios) in enumerate(rows):
            middle = statistics.median(ratios)
            panel.plot([min(ratios), max(ratios)], [place, place], color=INK, linewidth=2, alpha=0.6)
            panel.plot(middle, place, marker="o", markersize=5, color=INK)
            panel.annotate(f"{middle:.2f}", (max(ratios), place), (6, 0), textcoords="offset points", va="center")
        panel.axvline(1, color=RULE, linewidth=0.8)
        panel.set_yticks(range(len(rows)), [name for name, _ in rows])
        panel.set(title=f"real tokens/s, times those of {against}", ylim=(len(rows) - 0.5, -0.5))
        panel.set_xlim(left=0, right=1.12 * max(max(ratios) for _, ratios in rows))
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(axis="x", linewidth=0.4, alpha=0.5)
    picture.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(picture, format="svg", metadata={"Date": None})
