"""Evaluation sets of others beside the splits, so that a model can be scored on what preparation kept out of its training."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from steps.contract import BENCHMARKS
from steps.job import Refused
from steps.prepare.shard.decoding import REPLACEMENT, decode
from steps.prompt import normalise


def write_benchmarks(benchmarks: Mapping[str, Iterable[pa.Table]], codes: tuple[str, str], splits: Path) -> list[Path]:
    """Write `benchmarks/<name>.parquet` with `id` and a column a language, in the order of the source; returns the files.

    Sentences are normalised like every other; a pair with an empty or undecodable side is left out. Tables have the raw
    columns `number`, `left` and `right`. Raises Refused for a set of which nothing is left.
    """
    written = []
    for name, tables in benchmarks.items():
        rows: dict[str, list[str]] = {"id": [], codes[0]: [], codes[1]: []}
        for table in tables:
            sides = [pc.cast(decode(table.column(side).combine_chunks()), pa.string()) for side in ("left", "right")]
            numbers = table.column("number").to_pylist()
            for number, *texts in zip(numbers, *(side.to_pylist() for side in sides), strict=True):
                pair = [normalise(text) for text in texts]
                if all(pair) and not any(REPLACEMENT in text for text in pair):
                    for column, value in zip(rows, (f"{name}:{number}", *pair), strict=True):
                        rows[column].append(value)
        if not rows["id"]:
            raise Refused(f"benchmark {name} holds no whole pair to score on")
        folder = splits / BENCHMARKS
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"{name.replace('/', '-')}.parquet"
        partial = file.with_name(f".{file.name}.partial")
        pq.write_table(pa.table(rows), partial)
        partial.replace(file)
        written.append(file)
    return written
