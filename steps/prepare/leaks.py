"""Recounts leaks from the written files, knowing nothing of how the rows were split.

Near-copies are found another way than by the step that removed them: the roles are turned round. There, rare bigrams of
the held-out sentences are looked for everywhere; here, all bigrams of the held-out sentences are indexed and each other
sentence is looked up by its own rarest bigrams, if most of them are known at all. Shared bigrams are counted by joins.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from steps.contract import SPLITS, Leaks
from steps.languages import Language
from steps.prepare.folding import Bigrams, fold
from steps.prepare.options import PrepareOptions
from steps.prepare.pool import in_order

PARALLEL_FROM = 50_000  # rows; under it, starting processes takes longer than the work
BATCH = 12_000  # sentences folded at once: more fall out of the cache and take three times the CPU seconds
SUSPECTS_AT_ONCE = 2_000  # sentences in one join: at worst each shares bigrams with every held-out one
TABLE_BITS = 20  # 2 MB of counts, so that they stay in cache
MOST = 2**16 - 1

Hashes = NDArray[np.uint64]
Progress = Callable[[str, int, int], None]


def count_leaks(
    files: Mapping[str, Path],
    languages: tuple[Language, Language],
    options: PrepareOptions,
    progress: Progress,
    workers: int = 1,
) -> Leaks:
    """Sentences of train found in validation or test, and of validation found in test, over both languages.

    Each is counted once a language: as equal when its key is there, else as near when a verified near-copy of it is.
    Both relations are symmetric, so asking one way covers the other. Train is streamed, the held-out splits are held.
    With two workers each language is counted in a process of its own.
    """
    near = Fraction(repr(options.near)) if options.near_copies else None
    rows = sum(pq.ParquetFile(path).metadata.num_rows for path in files.values())
    done, found = 0, []
    if workers > 1 and rows >= PARALLEL_FROM:
        for leaks in in_order(partial(_count_language, files, near), languages, len(languages)):
            found.append(leaks)
            progress("recount", len(found) * rows, len(languages) * rows)
    else:

        def seen(sentences: int) -> None:
            nonlocal done
            done += sentences
            progress("recount", done, len(languages) * rows)

        found = [_count_language(files, near, language, seen) for language in languages]
    return Leaks(equal=sum(item.equal for item in found), near=sum(item.near for item in found))


def _count_language(
    files: Mapping[str, Path],
    near: Fraction | None,
    language: Language,
    seen: Callable[[int], None] = lambda sentences: None,
) -> Leaks:
    equal = near_copies = 0
    known = _HeldOut.of([], [])
    for split in reversed(SPLITS):
        keys: list[Hashes] = []
        sets: list[Bigrams] = []
        for texts in _batches(files[split], language.code):
            folded = fold(texts, language)
            keys.append(folded.keys())
            is_equal = np.isin(keys[-1], known.keys)
            equal += int(is_equal.sum())
            if near is not None:
                sets.append(folded.bigrams())
                near_copies += int((known.has_near(sets[-1], near) & ~is_equal).sum())
            if split == SPLITS[0]:
                keys.clear()
                sets.clear()
            seen(len(texts))
        known = _HeldOut.of([known.keys, *keys], [known.sets, *sets])
    return Leaks(equal=equal, near=near_copies)


def _batches(path: Path, column: str) -> Iterator[pa.Array]:
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(BATCH, columns=[column]):
            yield batch.column(0)


@dataclass(frozen=True)
class _HeldOut:
    """Sentences that no other split may hold."""

    keys: Hashes
    sets: Bigrams
    postings: pl.DataFrame  # bigram, owner, owner_size: one row for each bigram of each sentence
    counts: NDArray[np.uint16]  # by slot: at least how many sentences have a bigram of that slot, up to MOST

    @classmethod
    def of(cls, keys: Sequence[Hashes], sets: Sequence[Bigrams]) -> _HeldOut:
        sizes = np.concatenate([np.empty(0, np.int64), *(np.diff(part.offsets) for part in sets)])
        hashes = np.concatenate([np.empty(0, np.uint64), *(part.hashes for part in sets)])
        owners = np.repeat(np.arange(len(sizes)), sizes)
        postings = pl.DataFrame({"bigram": hashes, "owner": owners, "owner_size": sizes[owners]})
        counts = np.bincount(_slots(hashes), minlength=1 << TABLE_BITS).clip(max=MOST).astype(np.uint16)
        offsets = np.concatenate((np.zeros(1, np.int64), np.cumsum(sizes)))
        return cls(np.concatenate([np.empty(0, np.uint64), *keys]), Bigrams(offsets, hashes), postings, counts)

    def has_near(self, sets: Bigrams, near: Fraction) -> NDArray[np.bool_]:
        """True for every set that is near to one of the held-out sets."""
        sizes = np.diff(sets.offsets)
        counts = self.counts[_slots(sets.hashes)]
        running: NDArray[np.int64] = np.concatenate((np.zeros(1, np.int64), np.cumsum(counts > 0, dtype=np.int64)))
        known = running[sets.offsets[1:]] - running[sets.offsets[:-1]]
        # shared >= near * union >= near * size, and what is shared is known
        suspects = np.flatnonzero((sizes > 0) & (near.denominator * known >= near.numerator * sizes))
        result = np.zeros(len(sizes), bool)
        for start in range(0, len(suspects), SUSPECTS_AT_ONCE):
            result[self._near_rows(sets, counts, suspects[start : start + SUSPECTS_AT_ONCE], near)] = True
        return result

    def _near_rows(
        self, sets: Bigrams, counts: NDArray[np.uint16], rows: NDArray[np.int64], near: Fraction
    ) -> NDArray[np.int64]:
        """Those of `rows` that are near. Of its bigrams a near sentence has at most (1 - near) * size that the other
        lacks, so of one more than that the other has one: its rarest are looked up. Then shared bigrams are counted."""
        sizes = sets.offsets[rows + 1] - sets.offsets[rows]
        places = np.arange(len(rows)).repeat(sizes)
        members = (sets.offsets[rows] - np.cumsum(sizes) + sizes).repeat(sizes) + np.arange(len(places))
        rarest_first = members[np.argsort(places * (MOST + 1) + counts[members])]
        rank = np.arange(len(places)) - (np.cumsum(sizes) - sizes).repeat(sizes)
        looked_up = near.denominator * rank <= (near.denominator - near.numerator) * sizes[places]
        bigrams = pl.DataFrame({"row": rows[places], "size": sizes[places], "bigram": sets.hashes[members]})
        rare = pl.DataFrame({"row": rows[places], "size": sizes[places], "bigram": sets.hashes[rarest_first]})
        size, owner_size, shared = pl.col("size"), pl.col("owner_size"), pl.col("shared")
        larger, smaller = pl.max_horizontal(size, owner_size), pl.min_horizontal(size, owner_size)
        candidates = (
            rare.filter(looked_up & (counts[rarest_first] > 0))
            .join(self.postings, on="bigram")
            .filter(near.denominator * smaller >= near.numerator * larger)
            .select("row", "owner")
            .unique()
        )
        found = (
            candidates.join(bigrams, on="row")
            .join(self.postings, on=["owner", "bigram"])
            .group_by("row", "size", "owner", "owner_size")
            .agg(pl.len().cast(pl.Int64).alias("shared"))
            .filter(near.denominator * shared >= near.numerator * (size + owner_size - shared))
        )
        return found["row"].to_numpy()


def _slots(hashes: Hashes) -> Hashes:
    """Where a hash stands in the table: its highest bits, all of which are mixed."""
    return hashes >> np.uint64(64 - TABLE_BITS)
