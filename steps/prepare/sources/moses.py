"""Moses: two files, line i of one translates line i of the other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa

from steps.prepare.sources.encoding import text_blocks
from steps.prepare.sources.lines import Lines, lines
from steps.prepare.sources.pairs import Marks
from steps.prepare.sources.shift import mismatch


def read_moses(left: Path, right: Path) -> Iterator[pa.Table]:
    """Tables of `pairs.PAIRS`. A blank line keeps its place.

    Raises Unreadable for a file that cannot be text and, at the end, when one has more lines: with both counts and
    the first place where the sides look shifted.
    """
    for one, other in _together(lines(text_blocks(left)), lines(text_blocks(right))):
        if one is None or other is None:
            raise mismatch(left, right)
        marks = Marks(len(one))
        marks.too_long(one.sizes, other.sizes)
        yield marks.table(one.texts, other.texts)


def _together(left: Iterator[Lines], right: Iterator[Lines]) -> Iterator[tuple[Lines | None, Lines | None]]:
    """Equally many lines of both, again and again; None for the side that ends first."""
    one, other = next(left, None), next(right, None)
    while one is not None and other is not None:
        count = min(len(one), len(other))
        yield one.part(0, count), other.part(0, count)
        one = one.part(count) if count < len(one) else next(left, None)
        other = other.part(count) if count < len(other) else next(right, None)
    if one is not None or other is not None:
        yield one, other
