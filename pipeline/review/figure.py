"""The frame of every picture: inline SVG. Its colours are CSS variables of the page, so that it turns dark with it."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from typing import Any

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


def svg(name: str, height: float, draw: Callable[[Any], None], width: float = INCHES_WIDE) -> str:
    """Draw on fresh axes, sizes in inches, and return one `<svg>` element, the same for the same numbers."""
    import matplotlib
    from matplotlib.figure import Figure

    target = io.StringIO()
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": name}):
        figure = Figure(figsize=(width, height))
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


def name_rows(axes: Any, names: Sequence[str]) -> None:
    """Horizontal bars, the first name on top."""
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="y", visible=False)


def number(axes: Any, place: float, end: float, text: str, full: float) -> None:
    """A number behind a bar that ends at `end` on an axis of length `full`."""
    axes.text(end + full * 0.008, place, text, va="center", ha="left", color=INK)


def legend(axes: Any) -> None:
    """Above the picture, where there is something to name."""
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, labelcolor=INK, loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0)
