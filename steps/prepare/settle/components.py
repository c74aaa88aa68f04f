"""Groups of rows that must stay in one split: connected components over equal and near-equal sentences."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from steps.prepare.settle.copies import Edges, pack, unpack
from steps.prepare.settle.groups import Groups, Mask, Rows


@dataclass(frozen=True)
class Components:
    """Kept rows (ascending) with the component of each; components count from 0, `sizes` has one entry a component."""

    rows: Rows
    labels: NDArray[np.int32]
    sizes: NDArray[np.int64]

    def smallest(self, keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Per component the smallest key of its rows; `keys` has one entry a row of the whole run."""
        smallest = np.full(len(self.sizes), np.iinfo(np.uint64).max, np.uint64)
        np.minimum.at(smallest, self.labels, keys[self.rows])
        return smallest


def equal_sides(sides: Iterable[Groups], rows: Mask) -> Edges:
    """Each of `rows` (a mask) with the first of them that has the same sentence on a side."""
    edges = []
    for side in sides:
        groups = side.only(rows[side.rows])
        spokes = groups.beyond(1)
        edges.append(pack(groups.rows[spokes], groups.firsts()[spokes]))
    return np.concatenate(edges)


def connect(edges: Edges, kept: Mask) -> Components:
    """Components of the kept rows. Edges may run through rows that are not kept: their neighbours still belong together."""
    rows, lower = unpack(edges)
    total = len(kept)
    graph = coo_array((np.ones(len(edges), np.int8), (rows, lower)), shape=(total, total))
    _, labels = connected_components(graph, directed=False)
    chosen = np.flatnonzero(kept).astype(np.uint32)
    counts = np.bincount(labels[chosen], minlength=1)
    present = counts > 0
    renumbered = (np.cumsum(present) - 1).astype(np.int32)
    return Components(chosen, renumbered[labels[chosen]], counts[present])
