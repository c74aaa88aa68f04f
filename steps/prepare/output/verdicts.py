"""What the global step decided, in memory: a few bytes for every row that is dropped or held out."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from steps.job import Refused
from steps.prepare.output.rows import SourceRows
from steps.prepare.tables import TRAIN

DROPPED = -1  # beside TRAIN, VALIDATION and TEST


@dataclass(frozen=True)
class Verdicts:
    """Columns of tables.VERDICTS, ascending by row. `place` is the split of a row that is held out, else DROPPED."""

    rows: NDArray[np.uint64]
    place: NDArray[np.int8]
    rules: pa.Array
    values: pa.Array

    @classmethod
    def read(cls, path: Path, sources: SourceRows) -> Verdicts:
        """All verdicts of a run, with rows in values named by their ids."""
        table = pq.read_table(path, read_dictionary=["rule"]).combine_chunks()
        rule, value, split = (table.column(name).combine_chunks() for name in ("rule", "value", "split"))
        place = np.where(pc.is_valid(rule).to_numpy(zero_copy_only=False), DROPPED, pc.fill_null(split, TRAIN))
        return cls(
            table.column("row").to_numpy(), place.astype(np.int8), rule.cast(pa.string()), sources.name_rows(value)
        )

    def of(self, rows: NDArray[np.uint64]) -> tuple[NDArray[np.int8], Verdicts]:
        """The place of each of these kept rows, ascending, and the verdicts among them.

        Raises Refused for a verdict on a row that is not there.
        """
        places = np.full(len(rows), TRAIN, np.int8)
        if not len(rows):
            return places, self._slice(0, 0)
        begin, end = np.searchsorted(self.rows, rows[0]), np.searchsorted(self.rows, rows[-1], side="right")
        decided = self._slice(int(begin), int(end))
        where = np.searchsorted(rows, decided.rows)
        if not np.array_equal(rows[where], decided.rows):
            raise Refused(f"a verdict names a row between {rows[0]} and {rows[-1]} that was not kept. {DEFECT}")
        places[where] = decided.place
        return places, decided

    def dropped(self) -> Verdicts:
        """Those that drop their row."""
        chosen = self.place == DROPPED
        mask = pa.array(chosen)
        return Verdicts(self.rows[chosen], self.place[chosen], self.rules.filter(mask), self.values.filter(mask))

    def _slice(self, begin: int, end: int) -> Verdicts:
        return Verdicts(
            self.rows[begin:end],
            self.place[begin:end],
            self.rules.slice(begin, end - begin),
            self.values.slice(begin, end - begin),
        )

    def __len__(self) -> int:
        return len(self.rows)


DEFECT = "This is a defect of the step, not of the corpus."
