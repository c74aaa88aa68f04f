"""Finds every row with a near-copy of a sentence that is held out in another split. Exact: nothing is left to bands.

Prefix filter (Chaudhuri, Ganti, Kaushik 2006; with more than one match: Wang, Li, Feng 2012): a set near to A lacks at
most |A| - ceil(t |A|) members of A, so of any |A| - ceil(t |A|) + m members of A it holds at least m. That many are
indexed for each held-out sentence, its rarest ones; the members of all other rows are looked up, and whatever holds m
is compared in full. Equal sentences need no search: they are in one component, and so in one split.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from steps.prepare.folding import Bigrams
from steps.prepare.pool import in_order
from steps.prepare.settle.groups import Rows
from steps.prepare.settle.jaccard import Integers, Threshold, are_comparable, near, sizes_of
from steps.prepare.settle.sentences import Languages, Sentences, Shard, shard_sentences
from steps.prepare.settle.verdicts import Verdicts
from steps.prepare.tables import TEST, TRAIN, VALIDATION

MATCHES = 2  # m; with 1, natural text had four candidates a sentence, and comparing them was most of the work
TABLE_BITS = 21  # 2 MB, so that it stays in cache; ten thousand entries make 0.5 % of lookups pass by chance


@dataclass(frozen=True)
class Index:
    """Held-out sentences of one side by their rarest bigrams: `tokens` ascends, `owners` are places in `sets`.

    `needed` says for each set how many of its indexed bigrams a near set has at least.
    """

    sets: Bigrams
    needed: Integers
    tokens: NDArray[np.uint64]
    owners: Integers
    table: NDArray[np.bool_]

    @classmethod
    def of(cls, sets: Bigrams, threshold: Threshold) -> Index:
        """Index the prefix of every set; rare means rare among these sets, ties by hash."""
        places = np.arange(len(sets.offsets) - 1)
        sizes = sizes_of(sets, places)
        owners = np.repeat(places, sizes)
        _, inverse, counts = np.unique(sets.hashes, return_inverse=True, return_counts=True)
        order = np.lexsort((sets.hashes, counts[inverse], owners))
        rank = np.arange(len(owners)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        least = threshold.least_shared(sizes)
        needed = np.minimum(least, MATCHES)
        prefix = order[rank < np.repeat(sizes - least + needed, sizes)]
        prefix = prefix[np.argsort(sets.hashes[prefix], kind="stable")]
        table = np.zeros(1 << TABLE_BITS, bool)
        table[_slots(sets.hashes[prefix])] = True
        return cls(sets, needed, sets.hashes[prefix], owners[prefix], table)

    def near(self, queries: Bigrams, threshold: Threshold) -> tuple[Integers, Integers]:
        """All near pairs: places in `queries`, places in `sets`."""
        hits = np.flatnonzero(self.table[_slots(queries.hashes)])
        low, high = (np.searchsorted(self.tokens, queries.hashes[hits], side) for side in ("left", "right"))
        counts = high - low
        ends = np.cumsum(counts)
        entries = np.repeat(low - (ends - counts), counts) + np.arange(ends[-1] if len(ends) else 0)
        places = np.repeat(np.searchsorted(queries.offsets, hits, side="right") - 1, counts)
        owners = self.owners[entries]
        possible = np.flatnonzero(are_comparable(sizes_of(queries, places), sizes_of(self.sets, owners), threshold))
        total = max(1, len(self.needed))
        pairs, matches = np.unique(places[possible] * total + owners[possible], return_counts=True)
        query, owner = np.divmod(pairs, total)
        enough = matches >= self.needed[owner]
        query, owner = query[enough], owner[enough]
        found = near(queries, query, self.sets, owner, threshold)
        return query[found], owner[found]


def _slots(tokens: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Where a hash stands in the table: its highest bits, all of which are mixed."""
    return tokens >> np.uint64(64 - TABLE_BITS)


@dataclass(frozen=True)
class HeldOut:
    """Sentences to search for, and the rows they come from."""

    rows: Rows
    indices: tuple[Index, Index]

    @classmethod
    def of(cls, sentences: Sentences, threshold: Threshold) -> HeldOut:
        """Index both sides."""
        left, right = (Index.of(side, threshold) for side in sentences.sides())
        return cls(sentences.rows, (left, right))

    def copies(self, others: Sentences, threshold: Threshold) -> tuple[Rows, Rows]:
        """Rows of `others` that are near on a side, ascending and each once, with the lowest held-out row to blame."""
        found = [index.near(sets, threshold) for index, sets in zip(self.indices, others.sides(), strict=True)]
        places = np.concatenate([place for place, _ in found])
        blamed = self.rows[np.concatenate([owner for _, owner in found])]
        order = np.lexsort((blamed, places))
        places, blamed = places[order], blamed[order]
        firsts = np.flatnonzero(np.concatenate(([True], places[1:] != places[:-1]))[: len(places)])
        return others.rows[places[firsts]], blamed[firsts]


def sweep(
    shards: Sequence[Shard],
    held_out: Sentences,
    languages: Languages,
    threshold: Threshold,
    verdicts: Verdicts,
    workers: int,
    progress: Callable[[int], None],
) -> None:
    """Drop validation rows near to test rows, then train rows near to what is held out. `progress` hears rows searched.

    `held_out` has the rows of validation and of test.
    """
    rule = "held-out-copy"
    split = verdicts.split[held_out.rows]
    test, validation = (held_out.some(np.flatnonzero(split == name)) for name in (TEST, VALIDATION))
    verdicts.drop(rule, *HeldOut.of(test, threshold).copies(validation, threshold))
    searched = HeldOut.of(held_out.some(np.flatnonzero(verdicts.kept[held_out.rows])), threshold)
    train = verdicts.rows(TRAIN)
    tasks: Iterable[tuple[Shard, Rows]] = ((shard, shard.among(train)) for shard in shards)
    work = partial(sweep_shard, languages=languages, held_out=searched, threshold=threshold)
    for rows, because, seen in in_order(work, tasks, workers):
        verdicts.drop(rule, rows, because)
        progress(seen)


def sweep_shard(
    task: tuple[Shard, Rows], languages: Languages, held_out: HeldOut, threshold: Threshold
) -> tuple[Rows, Rows, int]:
    """Rows of a shard that are copies of held-out ones, the rows to blame, and how many rows were searched."""
    sentences = shard_sentences(task, languages)
    return *held_out.copies(sentences, threshold), len(sentences.rows)
