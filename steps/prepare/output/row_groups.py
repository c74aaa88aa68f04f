"""Cuts a stream of tables into row groups whose bounds depend on the rows alone, never on how the stream came."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

GROUP_ROWS = 50_000  # 5 to 15 MB of text: enough for zstd to learn from, little enough to hold one per file
GROUP_BYTES = 64 * 1024**2  # dropped rows may hold lines of many megabytes


class RowGroups:
    """Takes tables of one schema in order and gives row groups of at most GROUP_ROWS rows and GROUP_BYTES of text.

    A single row larger than that is a group of its own. `texts` are the columns whose bytes count.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._texts = texts
        self._waiting: list[pa.Table] = []
        self._sizes: NDArray[np.int64] = np.zeros(0, np.int64)

    def add(self, table: pa.Table) -> Iterator[pa.Table]:
        """Append rows and give the groups that are complete now, each of one chunk per column."""
        if not table.num_rows:
            return
        self._waiting.append(table)
        self._sizes = np.concatenate([self._sizes, _sizes(table, self._texts)])
        while (rows := self._complete()) is not None:
            yield self._take(rows)

    def rest(self) -> Iterator[pa.Table]:
        """What is left, as a last and smaller group."""
        if len(self._sizes):
            yield self._take(len(self._sizes))

    def _complete(self) -> int | None:
        """Rows of the first group, when no later row can change where it ends."""
        within = int(np.searchsorted(np.cumsum(self._sizes[:GROUP_ROWS]), GROUP_BYTES, side="right"))
        rows = max(1, within)
        return rows if rows < len(self._sizes) or rows == len(self._sizes) == GROUP_ROWS else None

    def _take(self, rows: int) -> pa.Table:
        whole = pa.concat_tables(self._waiting)
        self._waiting, self._sizes = [whole.slice(rows)], self._sizes[rows:]
        return whole.slice(0, rows).combine_chunks()


def _sizes(table: pa.Table, columns: Sequence[str]) -> NDArray[np.int64]:
    lengths = [pc.fill_null(pc.binary_length(table.column(name)), 0).to_numpy() for name in columns]
    total: NDArray[np.int64] = np.sum(lengths, axis=0, dtype=np.int64)
    return total
