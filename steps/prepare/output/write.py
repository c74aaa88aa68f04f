"""Writes the splits and the dropped rows in one pass over the shards, holding one shard and one row group a file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from steps.contract import PREPARED, SPLITS, ShardReport, load
from steps.job import Refused
from steps.prepare.memory import keep_freed_memory
from steps.prepare.options import PrepareOptions
from steps.prepare.output.columns import (
    dropped_columns,
    dropped_schema,
    refuse_reserved,
    split_columns,
    split_schema,
)
from steps.prepare.output.files import open_together
from steps.prepare.output.rows import SourceRows
from steps.prepare.output.verdicts import DEFECT, DROPPED, Verdicts
from steps.prepare.tables import DROPPED_FILE, KEPT_FILE, SHARD_REPORT


def write_corpus(
    shards: Sequence[Path],
    verdicts: Path,
    splits: Path,
    dropped: Path,
    codes: tuple[str, str],
    options: PrepareOptions,
    progress: Callable[[str, int, int], None],
) -> dict[str, Path]:
    """Write `<split>.parquet` (and `.jsonl`) into `splits` and all dropped rows to `dropped`; return the Parquet files.

    `shards` are folders in the order of their rows. Rows keep that order, and the bytes do not depend on where the shards
    are cut. Files appear together at the end; a manifest of an earlier run is removed first. Raises Refused, naming the
    file, where the disk fails, and when a row of the shards is missing or written twice.
    """
    refuse_reserved(codes)
    keep_freed_memory()
    files = {split: splits / f"{split}.parquet" for split in SPLITS}
    lines = {path: path.with_suffix(".jsonl") for path in files.values()}
    for stale in (splits / PREPARED, *lines.values()):
        stale.unlink(missing_ok=True)
    schemas = {path: split_schema(codes) for path in files.values()} | {dropped: dropped_schema(codes)}
    reports = [load(shard / SHARD_REPORT, ShardReport) for shard in shards]
    expected = [report.rows_in for report in reports]
    decided = Verdicts.read(verdicts, SourceRows.of(reports))
    total, done, used = sum(expected), 0, 0
    with open_together(schemas, lines if options.jsonl else {}) as outputs:
        for shard, rows in zip(shards, expected, strict=True):
            kept = read_arrow(shard / KEPT_FILE)
            places, among = decided.of(kept.column("row").to_numpy())
            for place, path in enumerate(files.values()):
                outputs[path].add(split_columns(_at(kept, places, place), codes))
            gone = _by_row(read_arrow(shard / DROPPED_FILE), _at(kept, places, DROPPED), among.dropped())
            outputs[dropped].add(dropped_columns(gone, codes))
            done, used = done + rows, used + len(among)
            progress("write", done, total)
        written = sum(output.rows for output in outputs.values())
        if written != total or used != len(decided):
            raise Refused(
                f"{written:,} rows were to be written of {total:,} in the shards,"
                f" {used:,} of {len(decided):,} verdicts met their row. {DEFECT}"
            )
    return files


def read_arrow(path: Path) -> pa.Table:
    """An Arrow IPC file, mapped: its pages come and go with memory."""
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()


def _at(kept: pa.Table, places: NDArray[np.int8], place: int) -> pa.Table:
    return kept.filter(pa.array(places == place))


def _by_row(by_shard: pa.Table, by_verdict: pa.Table, verdicts: Verdicts) -> pa.Table:
    """Both kinds of dropped rows of a shard, ascending by row."""
    decided = by_verdict.append_column("rule", verdicts.rules).append_column("value", verdicts.values)
    both = pa.concat_tables([by_shard, decided.cast(by_shard.schema)])
    return both.take(np.argsort(both.column("row").to_numpy(), kind="stable"))
