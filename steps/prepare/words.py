"""Hashes of words, many rows at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from steps.prepare.characters import END, PADDING, Places

BOUNDARY = 0x20  # the byte between words

Hashes = npt.NDArray[np.uint64]

# Odd constants of splitmix64 (Steele, Lea, Flood 2014)
INCREMENT = np.uint64(0x9E3779B97F4A7C15)
FIRST_FACTOR = np.uint64(0xBF58476D1CE4E5B9)
SECOND_FACTOR = np.uint64(0x94D049BB133111EB)


def mixed(values: Hashes) -> Hashes:
    """The finaliser of splitmix64: every bit of a result depends on every bit of the value."""
    values = values + INCREMENT
    values ^= values >> np.uint64(30)
    values *= FIRST_FACTOR
    values ^= values >> np.uint64(27)
    values *= SECOND_FACTOR
    values ^= values >> np.uint64(31)
    return values


def hash_words(text: bytes | bytearray) -> tuple[Hashes, Places]:
    """Hashes of all words in order, and the number of words of every row.

    Words have BOUNDARY between them, rows END behind them. A word is read eight bytes at a time from aligned places;
    bytes behind its end count as 0, which no word may hold.
    """
    length = len(text)
    padded = np.zeros((length + 2 * PADDING + 7) // 8 * 8, dtype=np.uint8)
    padded[:length] = np.frombuffer(text, dtype=np.uint8)
    data = padded[:length]
    inside = (data != BOUNDARY) & (data != END)
    edges = np.flatnonzero(np.diff(inside, prepend=False, append=False))
    starts, sizes = edges[::2], edges[1::2] - edges[::2]
    counts = np.diff(np.searchsorted(starts, np.flatnonzero(data == END)), prepend=0)
    blocks = padded.view(np.uint64)
    hashes = mixed(sizes.astype(np.uint64) * SECOND_FACTOR ^ _eight_bytes(blocks, starts, sizes))
    active = np.flatnonzero(sizes > 8)
    starts, sizes = starts[active], sizes[active]
    while len(active):
        starts, sizes = starts + 8, sizes - 8
        hashes[active] = mixed(hashes[active] * SECOND_FACTOR ^ _eight_bytes(blocks, starts, sizes))
        more = sizes > 8
        active, starts, sizes = active[more], starts[more], sizes[more]
    return hashes, counts


def _eight_bytes(blocks: Hashes, starts: Places, sizes: Places) -> Hashes:
    """Up to eight bytes from each start, the first lowest."""
    shift = ((starts & 7) << 3).astype(np.uint64)
    at = starts >> 3
    low = blocks[at] >> shift
    high = (blocks[at + 1] << np.uint64(1)) << (np.uint64(63) - shift)
    unused = (np.maximum(8 - sizes, 0) << 3).astype(np.uint64)
    taken: Hashes = ((low | high) << unused) >> unused
    return taken
