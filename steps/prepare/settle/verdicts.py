"""What is decided about each row, in memory and as a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from steps.prepare.options import GLOBAL_RULES
from steps.prepare.settle.groups import Mask, Rows
from steps.prepare.tables import TRAIN, VERDICTS


@dataclass(frozen=True)
class Verdicts:
    """One entry a row of the whole run, also for rows that never came here. 10 bytes a row.

    kept: came here and is not dropped. rule: place in GLOBAL_RULES, or -1. because: the row that is to blame.
    """

    kept: Mask
    rule: NDArray[np.int8]
    because: Rows
    split: NDArray[np.int8]

    @classmethod
    def of(cls, present: Mask) -> Verdicts:
        """Every row that is present is kept, for train."""
        total = len(present)
        return cls(
            present.copy(), np.full(total, -1, np.int8), np.zeros(total, np.uint32), np.full(total, TRAIN, np.int8)
        )

    def drop(self, rule: str, rows: Rows, because: Rows) -> None:
        """Drop rows, each for the sake of another."""
        self.kept[rows] = False
        self.rule[rows] = GLOBAL_RULES.index(rule)
        self.because[rows] = because

    def rows(self, split: int) -> Rows:
        """Kept rows of a split, ascending."""
        return np.flatnonzero(self.kept & (self.split == split)).astype(np.uint32)

    def write(self, path: Path) -> None:
        """Write tables.VERDICTS: rows that are dropped or held out, ascending; under a temporary name first."""
        dropped = self.rule >= 0
        rows = np.flatnonzero(dropped | (self.kept & (self.split != TRAIN)))
        out = dropped[rows]
        rule = pa.array(self.rule[rows], mask=~out)
        because = pa.array(self.because[rows], mask=~out)
        columns = [
            pa.array(rows.astype(np.uint64)),
            pa.array(GLOBAL_RULES, pa.string()).take(rule),
            pc.binary_join_element_wise("row", because.cast(pa.string()), " "),
            pa.array(self.split[rows], mask=out),
        ]
        partial = path.with_name(f".{path.name}.partial")
        pq.write_table(pa.Table.from_arrays(columns, schema=VERDICTS), partial, compression="zstd")
        partial.replace(path)
