"""Finds where the two sides of a Moses pair with unequal counts begin to be shifted, from the lengths of the lines.

The lengths of a sentence and its translation go together (Gale and Church 1993, "A program for aligning sentences in
bilingual corpora"), those of two unrelated sentences do not. Each line gives the evidence, in nats, that it is paired
better after a shift of s lines than without; the shift begins where Page's cumulative sum (Page 1954, "Continuous
inspection schemes") that first reaches a bound last was zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from steps.prepare.sources.encoding import text_blocks
from steps.prepare.sources.lines import Lines, data_of, lines, offsets_of
from steps.prepare.sources.refusal import Unreadable

Floats = np.ndarray[Any, np.dtype[np.floating[Any]]]

NEAREST = (1, -1, 2, -2, 3, -3)  # shifts that are tried, in lines, besides the whole difference
FARTHEST = 1000  # a larger difference is not one shift
SAMPLED = 2000  # lines at either end from which the spread of well-paired lines is taken
LEAST_SPREAD = 0.1  # of the logarithm of the ratio, so that templates with equal lengths do not rule all else out
MOST_EVIDENCE = 3.0  # nats from one line: one loose translation must not look like a shift
MOST_BYTES = 1 << 20  # lines over this are equally long
ENOUGH_EVIDENCE = 12.0  # nats beyond the logarithm of the number of lines: a false alarm in some 100,000 files


def mismatch(left: Path, right: Path) -> Unreadable:
    """The error for two files with different numbers of lines. Reads both again, keeping 4 bytes a line."""
    sizes = [_sizes(path) for path in (left, right)]
    counts = [len(side) for side in sizes]
    found = first_shift(sizes[0], sizes[1])
    longer = left if counts[0] > counts[1] else right
    surplus = abs(counts[0] - counts[1])
    if found:
        line, shift = found
        lacking = right if shift > 0 else left
        where = f"The sides look shifted from about line {line:,} on, where {lacking.name} seems to lack {_lines(abs(shift))}"
        remedy = "compare both files around that line, put the missing line back or remove its partner"
    elif not max(sizes, key=len)[-surplus:].any():
        blank = "one extra blank line" if surplus == 1 else f"{surplus} extra blank lines"
        where = f"No line before the end looks shifted: {longer.name} has {blank} at the end"
        remedy = f"remove the blank at the end of {longer.name}, if the last lines are a pair without it"
    else:
        where = "No line before the end looks shifted by its length"
        remedy = f"compare the last lines of both files; {longer.name} has {_lines(surplus)} more"
    return Unreadable(
        left,
        f"has {_lines(counts[0])} and {right.name} has {counts[1]:,}: line i of one must translate line i of the"
        f" other. {where}",
        remedy,
    )


def _lines(count: int) -> str:
    return f"{count:,} line{'' if count == 1 else 's'}"


def _sizes(path: Path) -> Floats:
    """Bytes of each line, without the CR that may stand before its end."""
    return np.concatenate([_visible(found) for found in lines(text_blocks(path))])


def _visible(found: Lines) -> Floats:
    ends = offsets_of(found.texts)[1:]
    data = np.append(data_of(found.texts)[: ends[-1]], 0)  # the last place serves line ends at 0
    returns = (np.diff(offsets_of(found.texts)) > 0) & (data[ends - 1] == ord("\r"))
    visible: Floats = np.minimum(found.sizes - returns, MOST_BYTES).astype(np.float32)
    return visible


def first_shift(left: Floats, right: Floats) -> tuple[int, int] | None:
    """The line, counted from 1, from which on the sides look shifted, and by how many lines; None where they do not.

    `left` and `right` are the lengths of the lines. After a shift of s, line i + s of the left side is paired with
    line i of the right one: a positive s says that the right side lacks s lines.
    """
    difference = len(left) - len(right)
    logs = np.log1p(left), np.log1p(right)
    ratio = float(np.median(logs[0]) - np.median(logs[1]))
    model = _Model(
        aligned=max(LEAST_SPREAD, min(_spread(_apart(logs, 0, ratio)[:SAMPLED]), _spread(_tail(logs, ratio)))),
        unrelated=max(2 * LEAST_SPREAD, float(np.hypot(_spread(logs[0]), _spread(logs[1])))),
    )
    now = model.evidence(_apart(logs, 0, ratio))
    best: tuple[int, int, int] | None = None  # where the bound is reached, where the rise began, the shift
    for shift in dict.fromkeys((*NEAREST, difference)):
        if abs(shift) > min(FARTHEST, len(left) - 1, len(right) - 1):
            continue
        then = model.evidence(_apart(logs, shift, ratio))
        start = max(0, -shift)  # the first line of the right side that has a partner after the shift
        count = min(len(now) - start, len(then))
        gain = np.clip(then[:count] - now[start : start + count], -MOST_EVIDENCE, MOST_EVIDENCE)
        rise = _first_rise(gain)
        if rise and (best is None or start + rise[0] < best[0]):
            best = start + rise[0], start + rise[1], shift
    return None if best is None else (best[1] + 1, best[2])


def _first_rise(gain: Floats) -> tuple[int, int] | None:
    """Where the cumulative sum first reaches the bound, and where that rise began; None when it never does.

    The first to reach it is the true shift: after one, other shifts rise and fall by chance.
    """
    if not len(gain):
        return None
    total = np.concatenate(([0.0], np.cumsum(gain, dtype=np.float64)))
    reached = np.flatnonzero(total - np.minimum.accumulate(total) >= ENOUGH_EVIDENCE + np.log(len(gain)))
    return (int(reached[0]), int(np.argmin(total[: reached[0] + 1]))) if len(reached) else None


@dataclass(frozen=True)
class _Model:
    """Normal distributions of how far the logarithm of a ratio of lengths is from its usual value."""

    aligned: float
    unrelated: float

    def evidence(self, apart: Floats) -> Floats:
        """Nats for "translations of one another" against "unrelated", by line."""
        found: Floats = (
            np.log(self.unrelated / self.aligned) + (apart / self.unrelated) ** 2 / 2 - (apart / self.aligned) ** 2 / 2
        )
        return np.maximum(found, -MOST_EVIDENCE)


def _apart(logs: tuple[Floats, Floats], shift: int, ratio: float) -> Floats:
    """How far the ratio of lengths is from the usual one when the left side is moved up by `shift` lines."""
    left, right = logs[0][max(0, shift) :], logs[1][max(0, -shift) :]
    count = min(len(left), len(right))
    return left[:count] - right[:count] - ratio


def _tail(logs: tuple[Floats, Floats], ratio: float) -> Floats:
    """The same for the last lines, paired from the end."""
    count = min(SAMPLED, len(logs[0]), len(logs[1]))
    return logs[0][len(logs[0]) - count :] - logs[1][len(logs[1]) - count :] - ratio


def _spread(values: Floats) -> float:
    """Standard deviation as the middle half of the values shows it: outliers do not count."""
    quarter, three_quarters = np.quantile(values, (0.25, 0.75))
    return float(three_quarters - quarter) / 1.349
