"""Pictures as inline SVG. Their colours are CSS variables of the page, so that they turn dark with it."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

from steps.contract import DataReport, EvaluationReport, TrainingReport

INCHES_WIDE = 8.0
STYLE = {
    "svg.fonttype": "none",  # text stays text, in the page's font
    "text.parse_math": False,  # a dollar sign in a name is a dollar sign
    "font.size": 10.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.constrained_layout.use": True,
}
OWN_IDS = re.compile(r' id="(?!\w[0-9a-f]{10}")[^"]*"')  # nothing refers to them, and pictures share a page
# Matplotlib wants colours, the page wants variables: each is drawn in a colour of its own and replaced in the text.
INK, LINE, TRAINED, BASE, CHAMPION, LOST = "#010101", "#020202", "#030303", "#040404", "#050505", "#060606"
VARIABLES = {
    INK: "currentColor",
    LINE: "var(--line)",
    TRAINED: "var(--trained)",
    BASE: "var(--base)",
    CHAMPION: "var(--champion)",
    LOST: "var(--refused)",
}


def loss_curves(training: TrainingReport, limit: float | None) -> str:
    """Training and validation loss by optimiser step, with the gate's limit where it is known."""

    def draw(axes: Any) -> None:
        axes.plot(
            [point.step for point in training.curve],
            [point.loss for point in training.curve],
            color=BASE,
            linewidth=1.4,
            marker="." if len(training.curve) < 60 else "",
            label="training",
        )
        if training.validation_curve:
            steps, losses = zip(*training.validation_curve, strict=True)
            axes.plot(steps, losses, color=TRAINED, linewidth=2, marker="o", markersize=4, label="validation")
        if limit is not None:
            axes.axhline(limit, color=LOST, linewidth=1.2, linestyle=(0, (5, 4)), label="limit of the gate")
        axes.set_xlabel("optimiser step")
        axes.set_ylabel("nats per answer token")
        axes.set_ylim(bottom=0)
        _legend(axes)

    return _svg("loss", 3.2, draw)


def preparation_waterfall(data: DataReport) -> str:
    """Rows in, rows lost to each rule that hit, rows out: from top to bottom, each bar where the last one ended."""
    lost = [(rule.rule.replace("_", " "), rule.dropped) for rule in data.rules if rule.dropped]

    def draw(axes: Any) -> None:
        names = ["rows in", *(name for name, _ in lost), "rows out"]
        left = data.rows_in
        axes.barh(0, data.rows_in, color=BASE, height=0.62)
        _number(axes, 0, data.rows_in, f"{data.rows_in:,}", data.rows_in)
        for place, (_, dropped) in enumerate(lost, start=1):
            left -= dropped
            axes.barh(place, dropped, left=left, color=LOST, height=0.62)
            _number(axes, place, left + dropped, f"−{dropped:,}", data.rows_in)
        axes.barh(len(names) - 1, data.rows_out, color=TRAINED, height=0.62)
        _number(axes, len(names) - 1, data.rows_out, f"{data.rows_out:,}", data.rows_in)
        _rows(axes, names)
        axes.set_xlim(0, max(data.rows_in, 1) * 1.1)
        axes.xaxis.set_major_formatter("{x:,.0f}")

    return _svg("waterfall", 0.9 + 0.3 * (len(lost) + 2), draw)


def chrf_bars(evaluation: EvaluationReport) -> str:
    """chrF++ per direction: the trained model over its base, and the champion where there is one."""
    champions = [evaluation.metrics.get(f"chrf_champion_{side}") for side in ("forward", "backward")]

    def draw(axes: Any) -> None:
        names, place = [], 0
        for scores, champion in zip(evaluation.directions, champions, strict=False):
            systems = [("trained", scores.chrf.value, TRAINED), ("base", scores.base_chrf.value, BASE)]
            if champion:
                systems.insert(1, ("champion", champion["value"], CHAMPION))
            for name, value, colour in systems:
                axes.barh(place, value, color=colour, height=0.66)
                _number(axes, place, value, f"{value:.1f}", 100)
                names.append(f"{scores.direction} {name}")
                place += 1
        _rows(axes, names)
        axes.set_xlim(0, 108)
        axes.set_xlabel("chrF++, higher is better")

    count = sum(2 + bool(champion) for champion in champions)
    return _svg("chrf", 0.9 + 0.36 * count, draw)


def _rows(axes: Any, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="y", visible=False)


def _number(axes: Any, place: float, end: float, text: str, full: float) -> None:
    axes.text(end + full * 0.008, place, text, va="center", ha="left", color=INK)


def _legend(axes: Any) -> None:
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, labelcolor=INK, loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0)


def _svg(name: str, height: float, draw: Any) -> str:
    """Draw on fresh axes and return one `<svg>` element, the same for the same numbers."""
    import matplotlib
    from matplotlib.figure import Figure

    target = io.StringIO()
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": name}):
        figure = Figure(figsize=(INCHES_WIDE, height))
        axes = figure.add_subplot()
        axes.grid(color=LINE, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.tick_params(colors=INK, which="both")
        for spine in axes.spines.values():
            spine.set_color(LINE)
        draw(axes)
        axes.xaxis.label.set_color(INK)
        axes.yaxis.label.set_color(INK)
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(target, format="svg", transparent=True, metadata=nothing)
    text = target.getvalue()
    text = OWN_IDS.sub("", text[text.index("<svg") :])
    for colour, variable in VARIABLES.items():
        text = text.replace(colour, variable)
    return text
