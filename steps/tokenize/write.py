"""From sentences to Arrow shards: token ids per sentence, examples that fit, micro-batches of examples."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa

from steps import job
from steps.batching import STRATEGIES
from steps.levers import Batching
from steps.prompt import Prompter
from steps.shards import SHARD_ROWS, shard_path

BATCH = 2_000
IDS = pa.list_(pa.int32())


@dataclass(frozen=True)
class TokenisedSplit:
    """Token ids of both sides of every pair, and the examples (2k forward, 2k+1 backward) that are short enough."""

    first: list[list[int]]
    second: list[list[int]]
    examples: list[int]
    lengths: list[int]
    too_long: int


def tokenise(
    first: list[str], second: list[str], prompter: Prompter, max_length: int, name: str = "pairs"
) -> TokenisedSplit:
    """Tokenise both sides and keep the examples of at most `max_length` tokens; longer ones are left out, never cut."""
    sides: tuple[list[list[int]], list[list[int]]] = ([], [])
    for start in range(0, len(first), BATCH):
        for side, texts in zip(sides, (first, second), strict=True):
            side.extend(prompter.sentence(text) for text in texts[start : start + BATCH])
        job.progress(min(start + BATCH, len(first)), len(first), f"{name} pairs")
    overhead = [prompter.overhead(direction) for direction in (0, 1)]
    examples, lengths = [], []
    for pair, (left, right) in enumerate(zip(*sides, strict=True)):
        for direction in (0, 1):
            length = len(left) + len(right) + overhead[direction]
            if length <= max_length:
                examples.append(2 * pair + direction)
                lengths.append(length)
    return TokenisedSplit(sides[0], sides[1], examples, lengths, 2 * len(first) - len(examples))


@dataclass(frozen=True)
class Written:
    """How many micro-batches a split became, and the token slots they take, padding included."""

    micro_batches: int
    slots: int


def write_split(folder: Path, split: TokenisedSplit, batching: Batching, capacity: int, longest: int) -> Written:
    """Write the `pairs` and `batches` shards. Same input, same bytes.

    Strategies put long examples first; the micro-batches are mixed, so that the first few stand for all of them.
    """
    batches = STRATEGIES[batching](split.lengths, capacity, longest)
    Random(0).shuffle(batches)  # noqa: S311
    rows = [[[split.examples[item] for item in row] for row in batch.rows] for batch in batches]
    _write(folder / "pairs", {"first": (split.first, IDS), "second": (split.second, IDS)})
    widths = [batch.width for batch in batches]
    _write(folder / "batches", {"rows": (rows, pa.list_(pa.list_(pa.int64()))), "width": (widths, pa.int32())})
    return Written(len(batches), sum(batch.slots for batch in batches))


def _write(folder: Path, columns: dict[str, tuple[list[Any], pa.DataType]]) -> None:
    """Arrow stream files of SHARD_ROWS rows each, which `datasets` maps into memory as they are."""
    folder.mkdir(parents=True, exist_ok=True)
    schema = pa.schema([(name, kind) for name, (_, kind) in columns.items()])
    count = len(next(iter(columns.values()))[0])
    for number, start in enumerate(range(0, count, SHARD_ROWS)):
        rows = slice(start, start + SHARD_ROWS)
        arrays = [pa.array(values[rows], type=kind) for values, kind in columns.values()]
        with pa.OSFile(str(shard_path(folder, number)), "wb") as sink, pa.ipc.new_stream(sink, schema) as writer:
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema), max_chunksize=10_000)
