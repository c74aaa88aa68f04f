"""The files of a prepared shard."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from steps.prepare.characters import Places
from steps.prepare.options import PrepareOptions
from steps.prepare.shard.counting import Tally
from steps.prepare.shard.judging import Judged
from steps.prepare.shard.minhash import band_hashes
from steps.prepare.shard.sides import Pairs
from steps.prepare.tables import (
    DROPPED,
    DROPPED_FILE,
    HASHES,
    HASHES_FILE,
    KEPT,
    KEPT_FILE,
    KEYS,
)
from steps.prepare.words import FIRST_FACTOR, Hashes, mixed

Numbers = npt.NDArray[Any]


class ShardFiles:
    """Open files of a shard, written batch by batch. A context manager: leaving it completes the files."""

    def __init__(self, folder: Path, source: str, options: PrepareOptions) -> None:
        self._source = source
        self._options = options
        self._schema = HASHES if options.near_copies else KEYS
        self._kept = pa.ipc.new_file(str(folder / KEPT_FILE), KEPT)
        self._dropped = pa.ipc.new_file(str(folder / DROPPED_FILE), DROPPED)
        self._hashes_path = folder / HASHES_FILE
        self._hashes: list[pa.RecordBatch] = []

    def __enter__(self) -> ShardFiles:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._kept.close()
        self._dropped.close()
        if kind is None:
            table = pa.Table.from_batches(self._hashes, schema=self._schema)
            # hashes do not compress and do not repeat: plain values are written and read fastest
            pq.write_table(
                table,
                self._hashes_path,
                compression="none",
                use_dictionary=False,
                write_statistics=False,
                row_group_size=max(1, len(table)),
            )

    def write_kept(self, pairs: Pairs, kept: Places, rows: Numbers, numbers: Numbers) -> None:
        """Write the kept of some pairs, given row and number of all of them, and their hashes."""
        chosen = pa.array(kept)
        columns = [
            pa.array(rows[kept], pa.uint64()),
            pa.repeat(pa.scalar(self._source, pa.string()), len(kept)),
            pa.array(numbers[kept], pa.int64()),
            *(side.texts.take(chosen) for side in pairs.sides),
        ]
        self._kept.write_batch(pa.RecordBatch.from_arrays(columns, schema=KEPT))
        self._hashes.append(self._hashed(pairs, kept, rows[kept].astype(np.uint64)))

    def _hashed(self, pairs: Pairs, kept: Places, rows: npt.NDArray[np.uint64]) -> pa.RecordBatch:
        left, right = (side.folded.keys()[kept] for side in pairs.sides)
        # without the rule nobody asks for templates, and the column holds the keys again
        templates = pairs.left.folded.templates()[kept] if self._options.on("template-cap") else left
        columns: list[Numbers] = [rows, pair_keys(left, right), left, right, templates]
        if self._options.near_copies:
            for side in pairs.sides:
                columns.extend(np.ascontiguousarray(band_hashes(side.folded.shingles().of(kept), rows).T))
        return pa.RecordBatch.from_arrays([pa.array(column) for column in columns], schema=self._schema)

    def write_dropped(self, pairs: Pairs, judged: Judged, rows: Numbers, numbers: Numbers, tally: Tally) -> None:
        """Write and count the dropped of some pairs. Their texts are cut, so that no row makes the file large."""
        places, limit = judged.dropped, self._options.max_characters
        texts = [[text[:limit] for text in side.some(places)] for side in pairs.sides]
        found = zip(judged.rules, rows[places].tolist(), numbers[places].tolist(), *texts, judged.values, strict=True)
        for rule, row, number, left, right, value in found:
            tally.drop(rule, row, number, (left, right), value)
        columns = [
            pa.array(rows[places], pa.uint64()),
            pa.repeat(pa.scalar(self._source, pa.string()), len(places)),
            pa.array(numbers[places], pa.int64()),
            *(pa.array(side, pa.large_string()) for side in texts),
            pa.array(judged.rules, pa.string()),
            pa.array(judged.values, pa.string()),
        ]
        self._dropped.write_batch(pa.RecordBatch.from_arrays(columns, schema=DROPPED))


def pair_keys(left: Hashes, right: Hashes) -> Hashes:
    """The key of a pair from the keys of its sides; not the same for a pair and its mirror image."""
    return mixed(mixed(left) * FIRST_FACTOR + right)
