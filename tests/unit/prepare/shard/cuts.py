"""Makes files of the cutting pass from pairs, and reads what the shard function made of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from steps import contract
from steps.contract import ShardReport
from steps.languages import language
from steps.prepare.options import PrepareOptions
from steps.prepare.shard import Benchmark, prepare_shard
from steps.prepare.tables import CUT, DROPPED_FILE, HASHES_FILE, KEPT_FILE, SHARD_REPORT

Pair = tuple[str | bytes, str | bytes]


def raw(text: str | bytes) -> bytes:
    """A text as a reader gives it."""
    return text.encode() if isinstance(text, str) else text


def write_cut(
    path: Path, pairs: Sequence[Pair], first: int = 0, flaws: dict[int, tuple[str, str]] | None = None
) -> Path:
    """Write pairs as a file of the cutting pass; rows count from `first`. `flaws` by place in `pairs`."""
    flaws = flaws or {}
    columns = [
        pa.array(range(first, first + len(pairs)), pa.uint64()),
        pa.array(range(first + 1, first + len(pairs) + 1), pa.int64()),
        *(pa.array([raw(pair[side]) for pair in pairs], pa.large_binary()) for side in (0, 1)),
        *(
            pa.array([flaws.get(place, (None, None))[part] for place in range(len(pairs))], pa.string())
            for part in (0, 1)
        ),
    ]
    table = pa.table(columns, schema=CUT.with_metadata({b"source": b"made up"}))
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return path


@dataclass(frozen=True)
class Shard:
    """A prepared shard, read back."""

    folder: Path
    kept: pa.Table
    dropped: pa.Table
    hashes: pa.Table
    report: ShardReport

    @property
    def rules(self) -> dict[int, str]:
        """The rule of every dropped row."""
        return dict(zip(self.dropped["row"].to_pylist(), self.dropped["rule"].to_pylist(), strict=True))

    @property
    def values(self) -> dict[int, Any]:
        """What the rule found, of every dropped row."""
        return dict(zip(self.dropped["row"].to_pylist(), self.dropped["value"].to_pylist(), strict=True))


def read_arrow(path: Path) -> pa.Table:
    """An Arrow file as a table."""
    with pa.memory_map(str(path)) as file:
        return pa.ipc.open_file(file).read_all()


def prepared(
    folder: Path,
    pairs: Sequence[Pair],
    codes: tuple[str, str] = ("en", "ig"),
    benchmarks: Sequence[Benchmark] = (),
    first: int = 0,
    flaws: dict[int, tuple[str, str]] | None = None,
    **options: Any,
) -> Shard:
    """Cut, prepare and read back."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = PrepareOptions(**options)
    cut = write_cut(folder / f"{first}.arrow", pairs, first, flaws)
    into = folder / f"shard-{first}"
    report = prepare_shard(cut, into, (language(codes[0]), language(codes[1])), settings, benchmarks)
    assert contract.load(into / SHARD_REPORT, ShardReport) == report
    return Shard(
        into,
        read_arrow(into / KEPT_FILE),
        read_arrow(into / DROPPED_FILE),
        pq.read_table(into / HASHES_FILE),
        report,
    )
