"""Token shards: each sentence tokenised and stored once, micro-batches of examples put together when they are read.

A split is two Arrow datasets: `pairs` (columns `first`, `second`: token ids of the two sentences) and `batches` (columns
`rows`: per row the ids of its examples, and `width`: slots of each row). Example 2k is pair k forward, 2k+1 is pair k
backward. Both are memory-mapped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from steps.job import Refused
from steps.prompt import Prompter

SHARD_ROWS = 200_000
IGNORED = -100  # label of a token that carries no loss, transformers' convention


@dataclass(frozen=True)
class Pack:
    """One row of `length` slots: ids, labels (IGNORED outside answers) and positions that restart at every example.

    No attention mask: transformers separates examples by the restarting positions only when none is given.
    """

    input_ids: np.ndarray[Any, np.dtype[np.int64]]
    labels: np.ndarray[Any, np.dtype[np.int64]]
    position_ids: np.ndarray[Any, np.dtype[np.int64]]


def assemble(examples: Sequence[tuple[Sequence[int], int]], length: int, padding: int) -> Pack:
    """Lay examples (ids, prompt length) one after another; the tail is padding with positions of its own."""
    input_ids = np.full(length, padding, dtype=np.int64)
    labels = np.full(length, IGNORED, dtype=np.int64)
    position_ids = np.zeros(length, dtype=np.int64)
    start = 0
    for ids, prompt_length in examples:
        end = start + len(ids)
        input_ids[start:end] = ids
        labels[start + prompt_length : end] = ids[prompt_length:]
        position_ids[start:end] = np.arange(len(ids))
        start = end
    position_ids[start:] = np.arange(length - start)
    return Pack(input_ids, labels, position_ids)


class TokenSplit:
    """The micro-batches of one split, read from memory-mapped shards."""

    def __init__(self, folder: Path, prompter: Prompter) -> None:
        self._pairs = _open(folder / "pairs")
        self._batches = _open(folder / "batches")
        self._prompter = prompter
        unknown = prompter.tokenizer.unk_token_id
        pad = prompter.tokenizer.pad_token_id
        self._padding = pad if pad is not None else unknown if unknown is not None else 0

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> dict[str, np.ndarray[Any, np.dtype[np.int64]]]:
        """One micro-batch as the model's keyword arguments: arrays of shape (rows, width)."""
        batch = self._batches[int(index)]
        width = int(batch["width"])
        rows = [assemble([self._example(int(number)) for number in row], width, self._padding) for row in batch["rows"]]
        return {
            "input_ids": np.stack([row.input_ids for row in rows]),
            "labels": np.stack([row.labels for row in rows]),
            "position_ids": np.stack([row.position_ids for row in rows]),
        }

    def examples(self, index: int) -> list[int]:
        """Ids of the examples of one micro-batch, row after row."""
        return [int(number) for row in self._batches[int(index)]["rows"] for number in row]

    def lengths(self, index: int) -> list[list[int]]:
        """Tokens of each example of each row of one micro-batch."""
        return [[len(self._example(int(number))[0]) for number in row] for row in self._batches[int(index)]["rows"]]

    def directions(self, index: int) -> np.ndarray[Any, np.dtype[np.int64]]:
        """For every slot of one micro-batch the direction of the example it belongs to; 0 in the padding."""
        batch = self._batches[int(index)]
        ways = np.zeros((len(batch["rows"]), int(batch["width"])), dtype=np.int64)
        for way, row in zip(ways, batch["rows"], strict=True):
            start = 0
            for number in map(int, row):
                end = start + len(self._example(number)[0])
                way[start:end] = number % 2
                start = end
        return ways

    def _example(self, number: int) -> tuple[list[int], int]:
        pair, direction = divmod(number, 2)
        row = self._pairs[pair]
        sides = [row["first"].tolist(), row["second"].tolist()]
        return self._prompter.example(sides[direction], sides[1 - direction], direction)


def shard_path(folder: Path, number: int) -> Path:
    """File of the numbered shard."""
    return folder / f"{number:05d}.arrow"


def _open(folder: Path) -> Any:
    """All shards of a folder as one memory-mapped dataset. Raises Refused when there are none or one is damaged."""
    from datasets import Dataset, concatenate_datasets

    files = sorted(folder.glob("*.arrow"))
    if not files:
        raise Refused(f"there are no token shards in {folder.parent.name}/{folder.name}/")
    try:
        return concatenate_datasets([Dataset.from_file(str(file)) for file in files]).with_format("numpy")
    except (OSError, ValueError) as error:
        raise Refused(f"cannot read the token shards in {folder.parent.name}/{folder.name}/: {error}") from error
