"""TSV: the first line names the columns, the columns of the two languages are taken, quotes mean nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa

from steps.prepare.sources.encoding import text_blocks
from steps.prepare.sources.lines import Lines, Offsets, binary_array, data_of, lines, offsets_of
from steps.prepare.sources.pairs import MALFORMED, Marks
from steps.prepare.sources.refusal import Unreadable, some


def read_tsv(path: Path, languages: tuple[str, str]) -> Iterator[pa.Table]:
    """Tables of `pairs.PAIRS`. A row with too few or too many columns is malformed; a missing column is blank.

    Raises Unreadable for a header without the languages' columns, and for a file that cannot be text.
    """
    left = right = columns = 0
    for number, found in enumerate(lines(text_blocks(path))):
        rows = found
        if number == 0:
            header = [name.strip() for name in found.texts[0].as_py().decode("utf-8", "replace").split("\t")]
            left, right = _places(path, header, languages)
            columns, rows = len(header), found.part(1)
        if len(rows):
            yield _table(rows, left, right, columns)


def _places(path: Path, header: list[str], languages: tuple[str, str]) -> tuple[int, int]:
    missing = [language for language in languages if header.count(language) != 1]
    if missing:
        raise Unreadable(
            path,
            f"must name one column for each of {' and '.join(languages)} in line 1; {' and '.join(missing)}"
            f" is not there once. Columns found: {some(header)}",
            "add a header line such as: id<TAB>" + "<TAB>".join(languages),
        )
    return header.index(languages[0]), header.index(languages[1])


def _table(rows: Lines, left: int, right: int, columns: int) -> pa.Table:
    cells, first, found = _cells(rows.texts)
    marks = Marks(len(rows))
    odd = np.flatnonzero(found != columns)
    marks.mark(odd, MALFORMED, [_said(count, columns) for count in found[odd].tolist()])
    marks.too_long(rows.sizes)
    return marks.table(_column(cells, first, found, left), _column(cells, first, found, right))


def _said(found: int, expected: int) -> str:
    return f"{found} column{'' if found == 1 else 's'} instead of {expected}"


def _cells(texts: pa.LargeBinaryArray) -> tuple[pa.LargeBinaryArray, Offsets, Offsets]:
    """All cells of some lines one after the other, the place of each line's first cell, and each line's cells.

    The tabs are deleted, so a cell ends at its end in the lines less the tabs before it.
    """
    offsets = offsets_of(texts)
    data = data_of(texts)[offsets[0] : offsets[-1]]
    line_ends = offsets[1:] - offsets[0]
    tabs = np.flatnonzero(data == ord("\t"))
    tabs_before = np.searchsorted(tabs, line_ends)  # tabs before each line's end
    found = np.diff(tabs_before, prepend=0) + 1
    last = tabs_before + np.arange(len(texts))  # place of each line's last cell
    ends = np.empty(len(tabs) + len(texts), dtype=np.int64)
    ends[last] = line_ends - tabs_before
    others = np.ones(len(ends), dtype=bool)
    others[last] = False
    ends[others] = tabs - np.arange(len(tabs))
    cells = binary_array(np.concatenate(([0], ends)), data.tobytes().replace(b"\t", b""))
    return cells, last - found + 1, found


def _column(cells: pa.LargeBinaryArray, first: Offsets, found: Offsets, place: int) -> pa.LargeBinaryArray:
    """The cell at a place of each line, blank where there is none."""
    missing = found <= place
    if not missing.any():
        return cells.take(pa.array(first + place))
    return cells.take(pa.array(first + place, mask=missing)).fill_null(b"")
