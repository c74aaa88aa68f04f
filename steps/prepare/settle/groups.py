"""Rows with an equal value in one column: what the engine answers, and what is read off it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.uint32]
Mask = NDArray[np.bool_]

MAX_ROWS = 2**32  # rows are held in 32 bits here


@dataclass(frozen=True)
class Groups:
    """Members of groups, ordered by group and within it by row. Both arrays have one entry a member.

    `names` tells the groups apart and ascends; it means nothing else.
    """

    names: Rows
    rows: Rows

    def __len__(self) -> int:
        return len(self.rows)

    def starts(self) -> NDArray[np.int64]:
        """Where each group begins."""
        if not len(self):
            return np.empty(0, np.int64)
        return np.flatnonzero(np.concatenate(([True], self.names[1:] != self.names[:-1])))

    def sizes(self) -> NDArray[np.int64]:
        """Members of each group."""
        return np.diff(self.starts(), append=len(self))

    def firsts(self) -> Rows:
        """The lowest row of each member's group."""
        return np.repeat(self.rows[self.starts()], self.sizes())

    def beyond(self, limit: int) -> Mask:
        """Mask over the members: True for those behind the first `limit` of their group."""
        return np.arange(len(self)) - np.repeat(self.starts(), self.sizes()) >= limit

    def only(self, members: Mask) -> Groups:
        """The groups with only these members; groups of none are gone."""
        return Groups(self.names[members], self.rows[members])

    def several(self) -> Groups:
        """The groups that have more than one member."""
        sizes = self.sizes()
        return self.only(np.repeat(sizes > 1, sizes))


def grouped(rows: NDArray[np.uint64], firsts: NDArray[np.uint64]) -> Groups:
    """Groups from all members but the first of each, in any order, and the first of the group of each."""
    packed = np.concatenate(((firsts << np.uint64(32)) | rows, np.unique(firsts) * np.uint64(2**32 + 1)))
    packed.sort()
    return Groups((packed >> np.uint64(32)).astype(np.uint32), packed.astype(np.uint32))


def joined(parts: Sequence[Groups]) -> Groups:
    """The groups of several columns as one; those of different columns stay apart."""
    names, before = [], 0
    for part in parts:
        names.append(np.repeat(np.arange(before, before + len(part.starts()), dtype=np.uint32), part.sizes()))
        before += len(part.starts())
    return Groups(np.concatenate(names), np.concatenate([part.rows for part in parts]))
