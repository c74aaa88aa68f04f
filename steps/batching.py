"""Batching strategies: which examples share a row, and which rows share a micro-batch.

A micro-batch is what a model sees at once: rows of one width, each holding one or more examples. An optimiser step reads
a fixed number of micro-batches. Every strategy depends on lengths and its limits alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from steps.levers import Batching


@dataclass(frozen=True)
class MicroBatch:
    """Rows of item numbers; each row is `width` token slots wide."""

    rows: list[list[int]]
    width: int

    @property
    def slots(self) -> int:
        """Token slots, padding included."""
        return len(self.rows) * self.width


Strategy = Callable[[Sequence[int], int, int], list[MicroBatch]]


def packed(lengths: Sequence[int], capacity: int, longest: int) -> list[MicroBatch]:
    """One row of exactly `capacity` slots, filled best-fit. Static shapes, hardly any padding."""
    return [MicroBatch([pack], capacity) for pack in pack_best_fit(lengths, capacity)]


def token_budget(lengths: Sequence[int], capacity: int, longest: int) -> list[MicroBatch]:
    """Examples of like length, one a row, as many rows as `capacity` slots hold; the width is that of the longest."""
    batches: list[MicroBatch] = []
    rows: list[list[int]] = []
    for item in _longest_first(lengths, capacity):
        width = lengths[rows[0][0]] if rows else lengths[item]
        if (len(rows) + 1) * width > capacity:
            batches.append(MicroBatch(rows, width))
            rows = []
        rows.append([item])
    if rows:
        batches.append(MicroBatch(rows, lengths[rows[0][0]]))
    return batches


def padded(lengths: Sequence[int], capacity: int, longest: int) -> list[MicroBatch]:
    """The baseline: every example a row of `longest` slots, in the order they came; as many rows as fit, at least one."""
    rows = [[item] for item in range(len(lengths))]
    at_once = max(1, capacity // longest)
    return [MicroBatch(rows[start : start + at_once], longest) for start in range(0, len(rows), at_once)]


STRATEGIES: dict[Batching, Strategy] = {"packed": packed, "token-budget": token_budget, "padded": padded}


def pack_best_fit(lengths: Sequence[int], capacity: int) -> list[list[int]]:
    """Best-fit decreasing bin packing: items to packs whose lengths sum to at most `capacity`.

    Longest first, each into the fullest pack that still has room; ties go by item number, so the result depends on the
    lengths alone. Packs come in the order they were opened. Raises ValueError for an item over `capacity`.
    """
    packs: list[list[int]] = []
    open_packs: list[list[int]] = [[] for _ in range(capacity + 1)]  # room left -> pack numbers, newest last
    rooms = 0  # bit r is set while open_packs[r] is not empty
    for item in _longest_first(lengths, capacity):
        length = lengths[item]
        fitting = rooms >> length
        if fitting:
            room = length + (fitting & -fitting).bit_length() - 1
            number = open_packs[room].pop()
            if not open_packs[room]:
                rooms &= ~(1 << room)
        else:
            number, room = len(packs), capacity
            packs.append([])
        packs[number].append(item)
        if room > length:
            open_packs[room - length].append(number)
            rooms |= 1 << (room - length)
    return packs


def _longest_first(lengths: Sequence[int], capacity: int) -> list[int]:
    """Item numbers, longest first. Raises ValueError for an item that fits nowhere."""
    wrong = next((item for item, length in enumerate(lengths) if not 0 < length <= capacity), None)
    if wrong is not None:
        raise ValueError(f"item {wrong} of length {lengths[wrong]} does not fit a pack of {capacity}")
    return sorted(range(len(lengths)), key=lambda item: (-lengths[item], item))
