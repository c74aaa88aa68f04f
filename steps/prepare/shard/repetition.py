"""Loops: a chunk of at least three characters three times in a row, as broken translation systems write them.

The idea and the numbers are those of OpusFilter's RepetitionFilter (threshold 2, least length 3), which costs real
translations at most 0.4 %. Here a chunk begins and ends with no space, the
copies are all divided by one space or all by none, and a chunk with its space
is at most LARGEST bytes, so that a loop has one period.

A loop of period p equals itself shifted by p over at least 2p - 1 bytes (6 for p = 3). So among windows of w bytes at
every t-th byte, with w + t - 1 no larger than that, one must equal the bytes p further on. Those windows are compared
for all rows at once; what is found is extended to both sides, and what is long enough is looked at in full.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from steps.prepare.characters import Bytes, Places, Rows

SMALLEST, LARGEST = 3, 128  # bytes of a period: of a chunk and the space behind it, if there is one
LEAST_CHARACTERS = 3
_NEAR = 24  # bytes to both sides that tell most accidental matches from loops
_MATCHES_AT_ONCE = 1 << 14
_MARGIN = 4 * LARGEST  # bytes before and behind the rows, so that every window and extension stays inside


@cache
def _copies(period: int) -> re.Pattern[bytes]:
    """A chunk three times, without or with spaces between, whose first character is whole; none at its ends is a space."""
    chunk = rb"([^\x80-\xbf ].{%d}[^ ])"
    close, apart = chunk % (period - 2) + rb"\1\1", chunk % (period - 3) + rb" \2 \2"
    return re.compile(rb"(?=%s|%s)" % (close, apart), re.DOTALL)


def loop(text: str, periods: Iterable[int] = range(SMALLEST, LARGEST + 1)) -> str | None:
    """The first chunk that a text repeats with the smallest of the periods with which it repeats one, else None."""
    data = text.encode()
    for period in sorted(periods):
        for match in _copies(period).finditer(data):
            chunk = (match[1] or match[2]).decode(errors="ignore")
            if len(chunk) >= LEAST_CHARACTERS:
                return chunk
    return None


@dataclass(frozen=True)
class _Windows:
    """Where windows of `width` bytes are compared for one period: at every multiple of `step`, from each offset."""

    width: int
    step: int
    offsets: tuple[int, ...] = (0,)


def _windows(period: int) -> _Windows:
    """Windows that no loop of this period misses: the widest, and as few as its shortest run allows."""
    if period == 3:
        return _Windows(4, 4, (0, 2))
    if period <= 5:
        return _Windows(4, 4)
    if period <= 7:
        return _Windows(8, 8, (0, 4))
    return _Windows(8, (2 * period - 8) // 8 * 8)


def least_run(periods: Places) -> Places:
    """Bytes over which a loop of each period at least equals itself shifted by the period."""
    return np.where(periods == SMALLEST, 2 * periods, 2 * periods - 1)


def may_loop(rows: Rows) -> dict[int, list[int]]:
    """Rows that may hold a loop, with the periods that it may have, ascending: all that do, and hardly any other."""
    found: dict[int, list[int]] = {}
    if len(rows.ends):
        first, second = _Shifted(rows, 0xFF, 0x00), _Shifted(rows, 0xFE, 0x01)
        places, periods = _equal_windows(first, second)
        for reach in (_NEAR, 2 * LARGEST):
            # in pieces, since a corpus of dotted lines would have a match at every byte
            pieces = range(0, len(places), _MATCHES_AT_ONCE)
            parts = [slice(start, start + _MATCHES_AT_ONCE) for start in pieces]
            kept = [
                part.start + _in_runs(first.data, second.data, places[part], periods[part], reach) for part in parts
            ]
            longer = np.concatenate([np.zeros(0, dtype=np.int64), *kept])
            places, periods = places[longer], periods[longer]
        for row, period in zip(rows.row_of(places - _MARGIN).tolist(), periods.tolist(), strict=True):
            if period not in found.setdefault(row, []):
                found[row].append(period)
    return found


class _Shifted:
    """The bytes of all rows with margins, also from their second byte on, their third, and so on to the eighth.

    Ends and margins have values that the other copy's have not, so that no run goes over the end of a row.
    """

    def __init__(self, rows: Rows, end: int, margin: int) -> None:
        length = int(rows.ends[-1]) + 1
        size = (length + 2 * _MARGIN) // 8 * 8
        padded = np.full(size + 8, margin, dtype=np.uint8)
        padded[_MARGIN : _MARGIN + length] = rows.data[:length]
        padded[_MARGIN + rows.ends] = end
        self.data: Bytes = padded
        self._size = size
        self._copies: dict[int, Bytes] = {}

    def words(self, offset: int, width: int, step: int) -> npt.NDArray[Any]:
        """Numbers of `width` bytes at `offset`, `offset + step`, and so on."""
        whole, shift = divmod(offset, 8)
        if shift not in self._copies:
            self._copies[shift] = self.data[shift : shift + self._size].copy()
        return self._copies[shift][8 * whole :].view(np.uint64 if width == 8 else np.uint32)[:: step // width]


def _equal_windows(first: _Shifted, second: _Shifted) -> tuple[Places, Places]:
    """Where a window equals the bytes one period further on, and that period."""
    places, periods = [], []
    for period in range(SMALLEST, LARGEST + 1):
        windows = _windows(period)
        for offset in windows.offsets:
            here = first.words(offset, windows.width, windows.step)
            there = second.words(offset + period, windows.width, windows.step)
            size = min(len(here), len(there))
            equal = np.flatnonzero(here[:size] == there[:size])
            if len(equal):
                places.append(equal * windows.step + offset)
                periods.append(np.full(len(equal), period))
    if not places:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    return np.concatenate(places), np.concatenate(periods)


def _in_runs(first: Bytes, second: Bytes, places: Places, periods: Places, reach: int) -> Places:
    """Which of the places are in a long enough run of equal bytes, looking up to `reach` bytes to both sides."""
    total = np.zeros(len(places), dtype=np.int64)
    for direction in (np.arange(reach), -1 - np.arange(reach)):
        cells = places[:, None] + direction
        differs = first[cells] != second[cells + periods[:, None]]
        total += np.where(differs.any(axis=1), differs.argmax(axis=1), reach)
    return np.flatnonzero(total >= np.minimum(least_run(periods), reach))
