"""Tables of pairs, which all readers make: both texts as bytes, and what the reader found wrong with a row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from steps.prepare.sources import lines
from steps.prepare.sources.lines import Offsets
from steps.prepare.tables import CUT

PAIRS = pa.schema([CUT.field(name) for name in ("left", "right", "flaw", "value")])
MALFORMED = "malformed"
TOO_LONG = "too-long"


class Marks:
    """Flaws and values of the rows of one table; rows that are not marked have neither. The last mark of a row wins."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self._flaws: Any = None
        self._values: Any = None

    def mark(self, places: Offsets, flaw: str | None, values: Sequence[str]) -> None:
        """Mark rows by their place in the table, each with a value."""
        if not len(places):
            return
        if self._flaws is None:
            self._flaws, self._values = (np.full(self.rows, None, dtype=object) for _ in range(2))
        self._flaws[places] = flaw
        self._values[places] = values

    def too_long(self, *sizes: Offsets) -> None:
        """Mark the rows where a text or line has more than MAX_LINE_BYTES, with the size of the first such."""
        for side in reversed(sizes):
            places = np.flatnonzero(side > lines.MAX_LINE_BYTES)
            self.mark(places, TOO_LONG, [str(size) for size in side[places]])

    def table(self, left: pa.LargeBinaryArray, right: pa.LargeBinaryArray) -> pa.Table:
        """The table of these texts and marks, with the columns of PAIRS."""
        if self._flaws is None:
            none = pa.nulls(self.rows, pa.string())
            return pa.Table.from_arrays([left, right, none, none], schema=PAIRS)
        marks = (pa.array(column, pa.string()) for column in (self._flaws, self._values))
        return pa.Table.from_arrays([left, right, *marks], schema=PAIRS)


def numbered(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Tables with a first column `number`, which counts all rows from 1."""
    done = 0
    for table in tables:
        numbers = pa.array(np.arange(done + 1, done + 1 + len(table), dtype=np.int64))
        yield table.add_column(0, CUT.field("number"), numbers)
        done += len(table)


def resized(tables: Iterable[pa.Table], most_rows: int, most_bytes: int) -> Iterator[pa.Table]:
    """The same rows in tables of one chunk, each as long as both limits allow; a table holds at least one row.

    Where the given tables end changes nothing. `most_bytes` counts the texts of both sides.
    """
    held: list[pa.Table] = []
    rows = size = 0
    for table in tables:
        ends = np.cumsum(_sizes(table["left"]) + _sizes(table["right"]))
        start = 0
        while start < len(table):
            before = int(ends[start - 1]) if start else 0
            stop = int(np.searchsorted(ends, before + most_bytes - size, side="right"))
            stop = min(max(stop, start), start + most_rows - rows, len(table))
            if stop == start and not rows:
                stop = start + 1  # one row over the limit
            held.append(table.slice(start, stop - start))
            rows += stop - start
            size += (int(ends[stop - 1]) if stop else 0) - before
            start = stop
            if start < len(table) or rows == most_rows:
                whole = pa.concat_tables(held).combine_chunks()
                held, rows, size = [], 0, 0  # before others work on the table: its parts hold as much again
                yield whole
    if rows:
        yield pa.concat_tables(held).combine_chunks()


def _sizes(texts: pa.ChunkedArray) -> Offsets:
    """Bytes of each text."""
    found: Offsets = pc.binary_length(texts).to_numpy()
    return found
