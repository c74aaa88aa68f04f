"""The drill's table, as text and in docs/reliability.md."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from tests.drill.verdict import Outcome

MARKS = re.compile(r"(<!-- drill: begin -->\n).*?(<!-- drill: end -->)", re.DOTALL)
COLUMNS = [
    "kind of fault",
    "faults",
    "resumed",
    "refused with reason",
    "weights equal",
    "most steps lost",
    "mean restart, s",
]


def line(outcome: Outcome, done: int, total: int) -> str:
    """One fault as it is done."""
    mark = "✗" if outcome.violations else "✓"
    how = f"on from step {' and '.join(map(str, outcome.resumed_from))}" if outcome.resumed_from else "never went on"
    equal = "weights equal" if outcome.weights_equal else "weights differ"
    text = f"{mark} {done}/{total}  #{outcome.number} {outcome.kind}: {outcome.words}; {how}, {outcome.lost} steps lost, {equal}"
    return "\n".join([text, *(f"    {violation}" for violation in outcome.violations)])


def _row(name: str, outcomes: Sequence[Outcome]) -> list[str]:
    restarts = [outcome.restart_seconds for outcome in outcomes if outcome.restart_seconds]
    return [
        name,
        str(len(outcomes)),
        str(sum(bool(outcome.resumed_from) for outcome in outcomes)),
        str(sum(bool(outcome.refusals) for outcome in outcomes)),
        str(sum(outcome.weights_equal for outcome in outcomes)),
        str(max((outcome.lost for outcome in outcomes), default=0)),
        f"{sum(restarts) / len(restarts):.1f}" if restarts else "",
    ]


def table(outcomes: Sequence[Outcome], kinds: Sequence[str]) -> str:
    """One line a kind, in Markdown, kinds that did not occur left out."""
    rows = [COLUMNS, [":--", *["--:"] * (len(COLUMNS) - 1)]]
    for kind in kinds:
        of_kind = [outcome for outcome in outcomes if outcome.kind == kind]
        if of_kind:
            rows.append(_row(kind, of_kind))
    rows.append(_row("**all**", outcomes))
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    lines = []
    for row in rows:
        first, *others = zip(row, widths, strict=True)
        lines.append(" | ".join([first[0].ljust(first[1]), *(text.rjust(width) for text, width in others)]))
    return "".join(f"| {text} |\n" for text in lines)


def summary(outcomes: Sequence[Outcome]) -> str:
    """What the table does not hold, in two lines."""
    inside = sum(outcome.inside_save for outcome in outcomes)
    flying = sum(outcome.in_flight for outcome in outcomes)
    broken = [outcome for outcome in outcomes if outcome.violations]
    first = (
        f"{len(outcomes)} faults, {inside} of them inside a save; {sum(outcome.starts for outcome in outcomes)} processes. "
        f"In {flying} the machine was lost while its newest checkpoint was still on its way to the store.\n"
    )
    if not broken:
        return f"{first}No promise was broken.\n"
    commands = "".join(f"    {outcome.again}\n" for outcome in broken)
    return f"{first}{len(broken)} broke a promise. To see one again:\n{commands}"


def write_markdown(path: Path, text: str) -> None:
    """Put a text between the marks of a page. Raises ValueError where it has none."""
    page = path.read_text(encoding="utf-8")
    if not MARKS.search(page):
        raise ValueError(f"{path} has no <!-- drill: begin --> and <!-- drill: end --> to write between")
    path.write_text(MARKS.sub(lambda match: match[1] + text + match[2], page), encoding="utf-8")
