"""Bigram sets of chosen rows, folded anew from the kept texts; the texts themselves are never all in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from steps.languages import Language
from steps.prepare.folding import Bigrams, fold
from steps.prepare.pool import in_order
from steps.prepare.settle.groups import Rows
from steps.prepare.tables import KEPT_FILE

AT_ONCE = 12_000  # sentences folded at once; 100,000 took three times the CPU seconds, for memory beyond the cache
SIDES = ("left", "right")
Languages = tuple[Language, Language]


@dataclass(frozen=True)
class Shard:
    """A shard's folder and its kept rows' range, `first` to `last`; an empty shard has last < first."""

    folder: Path
    first: int
    last: int

    def among(self, rows: Rows) -> Rows:
        """Those of `rows` (ascending) that lie in this shard."""
        return rows[np.searchsorted(rows, self.first) : np.searchsorted(rows, self.last, side="right")]


@dataclass(frozen=True)
class Sentences:
    """Both sides of some rows as bigram sets: set i belongs to `rows[i]`; rows ascend."""

    rows: Rows
    left: Bigrams
    right: Bigrams

    def sides(self) -> tuple[Bigrams, Bigrams]:
        """Source side, target side."""
        return self.left, self.right

    def at(self, rows: Rows) -> NDArray[np.int64]:
        """Places of rows, all of which must be here."""
        return np.searchsorted(self.rows, rows)

    def some(self, places: NDArray[np.int64]) -> Sentences:
        """The sentences at these places, ascending."""
        return Sentences(self.rows[places], *(side.of(places) for side in self.sides()))


def shard_sentences(task: tuple[Shard, Rows], languages: Languages) -> Sentences:
    """Bigram sets of rows (ascending) of one shard, all of which it must hold."""
    shard, rows = task
    with pa.memory_map(str(shard.folder / KEPT_FILE)) as file:
        table = pa.ipc.open_file(file).read_all()
    places = pa.array(np.searchsorted(table.column("row").to_numpy(), rows))
    left, right = (
        bigram_sets(table.column(side).take(places), language) for side, language in zip(SIDES, languages, strict=True)
    )
    return Sentences(rows, left, right)


def bigram_sets(texts: pa.ChunkedArray, language: Language) -> Bigrams:
    """The bigram sets of texts."""
    parts = [fold(texts.slice(start, AT_ONCE), language).bigrams() for start in range(0, len(texts), AT_ONCE)]
    sizes = [np.diff(part.offsets) for part in parts]
    offsets = np.concatenate([np.zeros(1, np.int64), *sizes]).cumsum()
    return Bigrams(offsets, np.concatenate([np.empty(0, np.uint64), *(part.hashes for part in parts)]))


def sentences_of(
    shards: Sequence[Shard],
    rows: Rows,
    languages: Languages,
    work: Path,
    workers: int,
    progress: Callable[[int], None],
) -> Sentences:
    """Bigram sets of `rows` (ascending) over all shards; `progress` hears how many more are done.

    The sets lie in files of `work` that are mapped, so a corpus of nothing but candidates does not need the memory.
    """
    work.mkdir(parents=True, exist_ok=True)
    sizes: tuple[list[NDArray[np.int64]], ...] = ([], [])
    paths = [work / f"{side}.bigrams" for side in SIDES]
    tasks = ((shard, shard.among(rows)) for shard in shards)
    with paths[0].open("wb") as left, paths[1].open("wb") as right:
        for part in in_order(partial(shard_sentences, languages=languages), tasks, workers):
            for sets, file, counts in zip(part.sides(), (left, right), sizes, strict=True):
                counts.append(np.diff(sets.offsets))
                sets.hashes.tofile(file)
            progress(len(part.rows))
    return Sentences(rows, *(_mapped(path, counts) for path, counts in zip(paths, sizes, strict=True)))


def _mapped(path: Path, sizes: Sequence[NDArray[np.int64]]) -> Bigrams:
    offsets = np.concatenate([np.zeros(1, np.int64), *sizes]).cumsum()
    if not offsets[-1]:
        return Bigrams(offsets, np.empty(0, np.uint64))
    return Bigrams(offsets, np.memmap(path, np.uint64, mode="r"))
