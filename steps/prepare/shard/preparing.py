"""The shard function: raw pairs in, kept pairs with their hashes, dropped pairs and counts out.

It knows no engine and no other shard: a process pool calls it on one machine, a job per machine on many.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from steps import contract
from steps.contract import ShardReport
from steps.job import Refused
from steps.languages import Language
from steps.prepare.memory import keep_freed_memory
from steps.prepare.options import PrepareOptions
from steps.prepare.shard.benchmark import Benchmark
from steps.prepare.shard.counting import Tally
from steps.prepare.shard.decoding import decode
from steps.prepare.shard.judging import Judged, judge
from steps.prepare.shard.repairing import Repaired, repair_all
from steps.prepare.shard.sides import Pairs, Side
from steps.prepare.shard.signals import signals
from steps.prepare.shard.writing import ShardFiles
from steps.prepare.tables import CUT, SHARD_REPORT

# Rows worked on at once: their bytes and what is made of them stay in the cache of the processor's core
ROWS_AT_ONCE = 16384
BYTES_AT_ONCE = 4 * 1024**2


def prepare_shard(
    cut: Path,
    into: Path,
    languages: tuple[Language, Language],
    options: PrepareOptions,
    benchmarks: Sequence[Benchmark],
) -> ShardReport:
    """Prepare a file of the schema CUT; write the folder `into` and return its report, which is written last.

    The folder appears whole or not at all: it is made under a hidden name. What it holds depends on the rows only and
    not on how they were cut. Raises Refused for a file that is not one of the cutting pass.
    """
    keep_freed_memory()
    hidden = into.with_name(f".{into.name}.partial")
    for left_over in (hidden, into):
        shutil.rmtree(left_over, ignore_errors=True)
    hidden.mkdir(parents=True)
    try:
        with pa.memory_map(str(cut)) as file:
            table = _open(cut, file)
            source = (table.schema.metadata or {}).get(b"source", b"").decode()
            first_row = table.column("row")[0].as_py() if len(table) else 0
            tally = Tally(source, first_row, languages)
            with ShardFiles(hidden, source, options) as files:
                for batch in _batches(table):
                    _prepare(batch, languages, options, benchmarks, tally, files)
        report = tally.report()
        contract.save(hidden / SHARD_REPORT, report)
        hidden.rename(into)
    except BaseException:
        shutil.rmtree(hidden, ignore_errors=True)
        raise
    return report


def _open(cut: Path, file: pa.MemoryMappedFile) -> pa.Table:
    try:
        table = pa.ipc.open_file(file).read_all()
    except pa.ArrowInvalid as error:
        raise Refused(f"{cut} is not a whole file of the cutting pass ({error}). Remove it and start again.") from error
    if not table.schema.equals(CUT):
        raise Refused(f"{cut} has other columns than the cutting pass writes. Remove it and start again.")
    return table


def _batches(table: pa.Table) -> Iterator[pa.RecordBatch]:
    """The rows in pieces of bounded rows and, but for single rows that are larger, bounded bytes."""
    for whole in table.combine_chunks().to_batches():
        sizes = [pc.fill_null(pc.binary_length(whole.column(name)), 0).to_numpy() for name in ("left", "right")]
        ends = np.cumsum(sizes[0] + sizes[1])
        start = 0
        while start < len(ends):
            so_far = ends[start - 1] if start else 0
            by_bytes = int(np.searchsorted(ends, so_far + BYTES_AT_ONCE, side="right"))
            stop = min(max(by_bytes, start + 1), start + ROWS_AT_ONCE)
            yield whole.slice(start, stop - start)
            start = stop


def _prepare(
    batch: pa.RecordBatch,
    languages: tuple[Language, Language],
    options: PrepareOptions,
    benchmarks: Sequence[Benchmark],
    tally: Tally,
    files: ShardFiles,
) -> None:
    repaired = [repair_all(decode(batch.column(name))) for name in ("left", "right")]
    left, right = (Side(side.texts, side.rows, language) for side, language in zip(repaired, languages, strict=True))
    pairs = Pairs(left, right, _flaws(batch))
    judged = judge(pairs, options, benchmarks)
    kept = np.flatnonzero(judged.kept)
    tally.rows_in += len(pairs)
    tally.keep((left.lengths[kept], right.lengths[kept]))
    tally.signals.update({name: int(found[kept].sum()) for name, found in signals(pairs).items()})
    _count_repairs(repaired, tally)
    _count_judged(judged, tally)
    numbers = batch.column("row").to_numpy(), batch.column("number").to_numpy()
    files.write_kept(pairs, kept, *numbers)
    files.write_dropped(pairs, judged, *numbers, tally)


def _flaws(batch: pa.RecordBatch) -> dict[int, tuple[str, str | None]]:
    """By row, what the reader found wrong with it."""
    places = np.flatnonzero(batch.column("flaw").is_valid())
    found = (batch.column(name).take(pa.array(places)).to_pylist() for name in ("flaw", "value"))
    return dict(zip(places.tolist(), zip(*found, strict=True), strict=True))


def _count_repairs(repaired: Sequence[Repaired], tally: Tally) -> None:
    left, right = repaired
    tally.repaired.update({name: int((left.changed[name] | right.changed[name]).sum()) for name in left.changed})


def _count_judged(judged: Judged, tally: Tally) -> None:
    tally.swapped += judged.swapped
    for code, counts in zip(tally.codes, judged.identified, strict=True):
        tally.identified[code].update(counts)
