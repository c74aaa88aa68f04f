"""Near-copies: candidates from equal MinHash bands, every one compared in full.

All members of a band's group are compared with its first row; those that are not near to it form a group of their own,
and so on for ROUNDS rounds. A group of n costs at most ROUNDS * n comparisons, however templated the text is. What a
star misses, members that are near to each other only, and what the bands miss (8 % of all pairs at exactly 0.8), is the
business of the sweep, which is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from steps.prepare.settle.engine import Engine
from steps.prepare.settle.groups import Groups, Mask, Rows, joined
from steps.prepare.settle.jaccard import Threshold, near, shared_members, sizes_of
from steps.prepare.settle.sentences import Sentences
from steps.prepare.tables import LEFT_BANDS, RIGHT_BANDS

ROUNDS = 4

Edges = NDArray[np.uint64]  # a row and a lower one, packed as row * 2^32 + lower; ascending, each once
Spool = list[Path]  # groups of one side's bands, one file a band


@dataclass(frozen=True)
class Copies:
    """Near pairs of rows by side, and how many pairs were compared for it."""

    left: Edges
    right: Edges
    compared: int


def spool_bands(
    engine: Engine, files: Sequence[Path], kept: Mask, work: Path, progress: Callable[[int], None]
) -> tuple[tuple[Spool, Spool], Rows]:
    """Groups of kept rows in all bands, written to `work` to keep memory flat; and the rows that are in any, ascending."""
    work.mkdir(parents=True, exist_ok=True)
    candidate = np.zeros(len(kept), bool)
    spools: tuple[Spool, Spool] = ([], [])
    for spool, bands in zip(spools, (LEFT_BANDS, RIGHT_BANDS), strict=True):
        for band in bands:
            groups = engine.groups(files, band)
            groups = groups.only(kept[groups.rows]).several()
            candidate[groups.rows] = True
            spool.append(work / f"{band}.npy")
            np.save(spool[-1], np.stack([groups.names, groups.rows]))
            progress(1)
    return spools, np.flatnonzero(candidate).astype(np.uint32)


def find_copies(spools: tuple[Spool, Spool], sentences: Sentences, threshold: Threshold) -> Copies:
    """Near pairs of each side among the rows that share a band."""
    found: list[Edges] = []
    compared = 0
    for spool, sets in zip(spools, sentences.sides(), strict=True):
        known: list[Edges] = []
        groups = joined([Groups(*np.load(path)) for path in spool])
        for _ in range(ROUNDS):
            spokes = groups.beyond(1)
            edges = pack(groups.rows[spokes], groups.firsts()[spokes])
            fresh = np.unique(edges)
            rows, lower = unpack(fresh)
            is_near = near(sets, sentences.at(rows), sets, sentences.at(lower), threshold)
            compared += len(fresh)
            known.append(fresh[is_near])
            spokes[spokes] = ~is_near[np.searchsorted(fresh, edges)]
            groups = groups.only(spokes)
        found.append(np.unique(np.concatenate(known)))
    return Copies(found[0], found[1], compared)


def near_pairs(copies: Copies, sentences: Sentences, threshold: Threshold) -> Edges:
    """Pairs of rows that are near as a whole: over the bigrams of both sides, those of each side told apart.

    A pair near as a whole is near on at least one side (mediant inequality), so the near pairs of the sides hold it.
    """
    edges = np.union1d(copies.left, copies.right)
    rows, lower = (sentences.at(ends) for ends in unpack(edges))
    shared, union = np.zeros(len(edges), np.int64), np.zeros(len(edges), np.int64)
    for sets in sentences.sides():
        both = shared_members(sets, rows, sets, lower)
        shared += both
        union += sizes_of(sets, rows) + sizes_of(sets, lower) - both
    return edges[threshold.reached(shared, union)]


def superfluous(edges: Edges, total: int) -> tuple[Rows, Rows]:
    """Rows to drop, each with the lowest kept row it is near to.

    Rows are judged in order. A row goes when it is near to a lower row that stays; being near to one that goes is no
    reason. So every dropped row has a kept near-copy, and in a chain a, b, c only b goes, unless c is near to a.
    """
    gone = bytearray(total)
    rows, lower = unpack(edges)
    dropped: list[int] = []
    because: list[int] = []
    for row, earlier in zip(rows.tolist(), lower.tolist(), strict=True):  # ascending, so `earlier` is judged already
        if not (gone[row] or gone[earlier]):
            gone[row] = 1
            dropped.append(row)
            because.append(earlier)
    return np.array(dropped, np.uint32), np.array(because, np.uint32)


def pack(rows: Rows, lower: Rows) -> Edges:
    """Pairs of rows as one number each."""
    return (rows.astype(np.uint64) << np.uint64(32)) | lower


def unpack(edges: Edges) -> tuple[Rows, Rows]:
    """Rows and lower rows of packed pairs."""
    return (edges >> np.uint64(32)).astype(np.uint32), edges.astype(np.uint32)
