"""Groups rows that share a sentence or a near-copy on either side: connected components by union-find."""

from __future__ import annotations

from collections.abc import Sequence

from steps.prepare.links import links
from steps.prepare.row import Texts


def group_rows(pairs: Sequence[Texts]) -> list[list[int]]:
    """Components as lists of row indices, ascending, in order of their first row. Each row is in exactly one."""
    parents = list(range(len(pairs)))
    for side, name in enumerate(("source", "target")):
        for first, second in links([texts[side] for texts in pairs], f"group {name} sentences"):
            union(parents, first, second)
    groups: dict[int, list[int]] = {}
    for row in range(len(pairs)):
        groups.setdefault(root(parents, row), []).append(row)
    return list(groups.values())


def root(parents: list[int], row: int) -> int:
    """The representative of a row's component; shortens the path on the way."""
    while parents[row] != row:
        parents[row] = parents[parents[row]]
        row = parents[row]
    return row


def union(parents: list[int], first: int, second: int) -> None:
    """Join the components of two rows; the lower representative stays."""
    low, high = sorted((root(parents, first), root(parents, second)))
    parents[high] = low
