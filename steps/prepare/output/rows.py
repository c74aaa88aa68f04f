"""From rows of the run to rows of their sources: `row` counts from 0 over all, `number` from 1 in each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from steps.contract import ShardReport

ROW = r"^row (\d+)$"  # how the global rules name the earlier row that made theirs superfluous


@dataclass(frozen=True)
class SourceRows:
    """Names of the sources in their order, and the row each begins at."""

    names: list[str]
    starts: NDArray[np.uint64]

    @classmethod
    def of(cls, shards: Iterable[ShardReport]) -> SourceRows:
        """From the reports of all shards."""
        starts: dict[str, int] = {}
        for shard in sorted(shards, key=lambda shard: shard.first_row):
            starts.setdefault(shard.source, shard.first_row)
        return cls(list(starts), np.array(list(starts.values()), np.uint64))

    def name_rows(self, values: pa.Array) -> pa.Array:
        """The same values, with every `row N` turned into the id that N has in the written files."""
        text = pl.Series("value", values, pl.String)
        rows = text.str.extract(ROW).cast(pl.UInt64)
        known = rows.fill_null(0).to_numpy()
        source = np.maximum(np.searchsorted(self.starts, known, side="right"), 1) - 1
        named = pl.DataFrame(
            {
                "value": text,
                "row": rows,
                "source": pl.Series(self.names, dtype=pl.String).gather(source),
                "number": known - self.starts[source] + 1,
            }
        ).select(
            pl.when(pl.col("row").is_null())
            .then("value")
            .otherwise(pl.concat_str("source", pl.lit(":"), pl.col("number").cast(pl.String)))
        )
        return named.to_series().to_arrow().cast(pa.string())
