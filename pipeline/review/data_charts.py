"""Pictures of the preparation: what each rule cost, how long sentences are, how the sides compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.review.figure import BASE, INK, LOST, TRAINED, legend, name_rows, number, svg
from pipeline.review.wording import count, percent, short
from steps.contract import DataReport, Histogram

INCHES = 6.4  # narrower than the others, so that its many words can be read on a phone
MOST_TICKS = 12
MOST_CHARACTERS = 30  # of a name beside a bar
COLOURS = (BASE, TRAINED)


def waterfall(data: DataReport) -> str:
    """Rows in, rows lost to each rule that hit in the order asked, rows out: each bar where the last one ended."""
    lost = [(rule.rule[:MOST_CHARACTERS], rule.dropped) for rule in data.rules if rule.dropped]
    full = max(data.rows_in, 1)

    def draw(axes: Any) -> None:
        names = ["rows in", *(name for name, _ in lost), "rows out"]
        left = data.rows_in
        axes.barh(0, data.rows_in, color=BASE, height=0.62)
        number(axes, 0, data.rows_in, count(data.rows_in), full)
        for place, (_, dropped) in enumerate(lost, start=1):
            left -= dropped
            axes.barh(place, dropped, left=left, color=LOST, height=0.62)
            number(axes, place, left + dropped, f"−{count(dropped)} ({percent(dropped, full)})", full)
        axes.barh(len(names) - 1, data.rows_out, color=TRAINED, height=0.62)
        number(axes, len(names) - 1, data.rows_out, f"{count(data.rows_out)} ({percent(data.rows_out, full)})", full)
        name_rows(axes, names)
        axes.set_xlim(0, full * 1.3)
        axes.set_xticks([tick for tick in axes.get_xticks() if tick <= full])
        axes.xaxis.set_major_formatter("{x:,.0f}")

    return svg("waterfall", 0.9 + 0.28 * (len(lost) + 2), draw, INCHES)


def length_histogram(lengths: Mapping[str, Histogram]) -> str:
    """Share of kept sentences by length, all languages on one axis."""
    return _histogram("lengths", lengths, "characters of a sentence", "of the sentences")


def ratio_histogram(ratio: Histogram, languages: Sequence[str]) -> str:
    """Share of kept pairs by length of the target over length of the source."""
    return _histogram("ratio", {"": ratio}, f"length of {languages[1]} over length of {languages[0]}", "of the pairs")


def _histogram(name: str, series: Mapping[str, Histogram], what: str, of: str) -> str:
    """Bins of equal width on paper, whatever their width in numbers; the last one says that it is open."""

    def draw(axes: Any) -> None:
        shown = 1 + max((place for item in series.values() for place, n in enumerate(item.counts) if n), default=0)
        edges: list[float] = []
        for place, (label, item) in enumerate(series.items()):
            edges = item.edges
            total = max(sum(item.counts), 1)
            shares = [100 * n / total for n in item.counts[:shown]]
            colour = COLOURS[place % 2] if len(series) > 1 else TRAINED
            axes.stairs(shares, range(shown + 1), color=colour, fill=True, alpha=0.28)
            axes.stairs(shares, range(shown + 1), color=colour, linewidth=1.8, label=label or None)
        places = _ticks(shown, len(edges))
        axes.set_xticks(places, [_tick(edges, place) for place in places])
        axes.set_xlim(0, shown)
        axes.set_ylim(bottom=0)
        axes.set_xlabel(what, color=INK)
        axes.set_ylabel(f"share {of}, %", color=INK)
        axes.grid(axis="x", visible=False)
        legend(axes)

    return svg(name, 2.7, draw, INCHES)


def _ticks(shown: int, edges: int) -> list[int]:
    """Places of bin edges to name, evenly: at most a dozen. The last bin of all has no upper edge."""
    step = max(1, -(-shown // MOST_TICKS))
    return [place for place in range(0, shown + 1, step) if place < edges]


def _tick(edges: Sequence[float], place: int) -> str:
    return f"{short(edges[place])}+" if place == len(edges) - 1 else short(edges[place])
