"""Shards and verdicts as the earlier phases leave them, cut wherever a test likes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xxhash

from steps.contract import CorpusManifest, CorpusSource, Example, FileEntry, Histogram, ShardReport, save
from steps.prepare import tables

EDGES = [0.0, 10.0, 20.0]


@dataclass(frozen=True)
class Row:
    """One pair of a run; with a rule when a shard dropped it."""

    left: str
    right: str
    source: str = "demo"
    rule: str | None = None
    value: str | None = None


@dataclass(frozen=True)
class Laid:
    """A run before its writing pass. It stands for `Settled` too."""

    shards: list[Path]
    reports: list[ShardReport]
    verdicts: Path
    components: int = 7
    largest_components: list[int] = field(default_factory=lambda: [3, 1])
    duplicate_clusters: dict[str, int] = field(
        default_factory=lambda: {"2": 1, "3": 0, "4-9": 0, "10-99": 0, "100+": 0}
    )


def shard_report(source: str, first_row: int, rows: Sequence[tuple[int, int, Row]], **changed: Any) -> ShardReport:
    """The report of a shard of (row, number, pair); examples as the contract words them."""
    dropped: dict[str, list[Example]] = {}
    for row, number, pair in rows:
        if pair.rule:
            example = Example(row=row, id=f"{source}:{number}", left=pair.left, right=pair.right, value=pair.value)
            dropped.setdefault(pair.rule, []).append(example)
    kept = [pair for _, _, pair in rows if not pair.rule]
    lengths = [sum(len(pair.left) >= edge for edge in EDGES) - 1 for pair in kept]
    histogram = Histogram(edges=EDGES, counts=[lengths.count(place) for place in range(len(EDGES))])

    def hashed(example: Example) -> int:
        return xxhash.xxh3_64_intdigest(example.row.to_bytes(8, "little"))

    values = {
        "source": source,
        "first_row": first_row,
        "rows_in": len(rows),
        "rows_kept": len(kept),
        "repaired": {"nfc": len(rows), "control": 0},
        "dropped": {rule: len(examples) for rule, examples in dropped.items()},
        "first": {rule: examples[:5] for rule, examples in dropped.items()},
        "drawn": {rule: sorted(examples, key=hashed)[:5] for rule, examples in dropped.items()},
        "lengths": {"ig": histogram, "en": histogram},
        "ratio": histogram,
        "identified": {"en": {"en": len(kept)}, "ig": {"ig": len(kept)}},
        "swapped": 0,
        "benchmarks": {},
        "signals": {"numbers-differ": len(kept)},
    }
    return ShardReport(**(values | changed))


@pytest.fixture
def lay(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Laid]:
    """Lays rows out as shards, cut before the given rows and wherever a new source begins, with verdicts by row."""

    def make(rows: Sequence[Row], cuts: Sequence[int] = (), verdicts: Mapping[int, Any] | None = None) -> Laid:
        folder = tmp_path_factory.mktemp("run")
        numbers: dict[str, int] = {}
        numbered = []
        for place, row in enumerate(rows):
            numbers[row.source] = numbers.get(row.source, 0) + 1
            numbered.append((place, numbers[row.source], row))
        begins = {0, *cuts, *(place for place, number, _ in numbered if number == 1)}
        bounds = [*sorted(place for place in begins if place < len(rows)), len(rows)]
        shards, reports = [], []
        for index, (begin, end) in enumerate(pairwise(bounds)):
            shard = folder / f"{index:05d}"
            shard.mkdir()
            part = numbered[begin:end]
            _write(shard / tables.KEPT_FILE, tables.KEPT, [item for item in part if not item[2].rule])
            _write(shard / tables.DROPPED_FILE, tables.DROPPED, [item for item in part if item[2].rule])
            reports.append(shard_report(part[0][2].source, begin, part))
            save(shard / tables.SHARD_REPORT, reports[-1])
            shards.append(shard)
        return Laid(shards, reports, _write_verdicts(folder / "verdicts.parquet", verdicts or {}))

    return make


def _write(path: Path, schema: pa.Schema, rows: Sequence[tuple[int, int, Row]]) -> None:
    columns = {
        "row": [row for row, _, _ in rows],
        "source": [pair.source for _, _, pair in rows],
        "number": [number for _, number, _ in rows],
        **{name: [getattr(pair, name) for _, _, pair in rows] for name in ("left", "right", "rule", "value")},
    }
    table = pa.table({name: columns[name] for name in schema.names}, schema=schema)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        writer.write_table(table)


def _write_verdicts(path: Path, verdicts: Mapping[int, Any]) -> Path:
    """A split number holds a row out; (rule, value) drops it."""
    rows = [
        {"row": row, "split": found} if isinstance(found, int) else {"row": row, "rule": found[0], "value": found[1]}
        for row, found in sorted(verdicts.items())
    ]
    pq.write_table(pa.Table.from_pylist(rows, schema=tables.VERDICTS), path)
    return path


@pytest.fixture
def manifest() -> CorpusManifest:
    """A corpus of two sources."""
    return CorpusManifest(
        name="two sources",
        languages=["en", "ig"],
        sources=[
            CorpusSource(name="demo", licence="CC0-1.0", format="moses", paths=["data/d.en", "data/d.ig"], lines=9),
            CorpusSource(name="more", licence="CC-BY-4.0", format="tsv", paths=["data/more.tsv"], lines=9),
        ],
        files=[FileEntry(path="data/d.en", bytes=3, sha256="a" * 64)],
        pairs=18,
        words={"en": 1, "ig": 1},
        fingerprint="c" * 64,
    )
