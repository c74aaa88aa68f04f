"""A draw that is fair and the same everywhere: rows with the smallest xxh3_64 of their number."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BITFLIP = np.uint64(0x1CAD21F72C81017C ^ 0xDB979083E96DD4DE)  # bytes 8 to 24 of the default secret
PRIME = np.uint64(0x9FB21C651E98DF25)


def draw_hashes(rows: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """xxh3_64 of each row's eight little-endian bytes, as `xxhash.xxh3_64_intdigest` gives it, for all rows at once.

    Source: xxhash specification, XXH3, "Small inputs", 4 to 8 bytes, seed 0.
    """
    length = np.uint64(8)
    low, high = rows & np.uint64(0xFFFFFFFF), rows >> np.uint64(32)
    mixed = (high + (low << np.uint64(32))) ^ BITFLIP
    mixed ^= _rotated(mixed, 49) ^ _rotated(mixed, 24)
    mixed *= PRIME
    mixed ^= (mixed >> np.uint64(35)) + length
    mixed *= PRIME
    return mixed ^ (mixed >> np.uint64(28))


def drawn_places(rows: NDArray[np.uint64], count: int) -> NDArray[np.intp]:
    """Places of the `count` rows with the smallest hashes, smallest first."""
    hashes = draw_hashes(rows)
    if len(rows) > count:
        nearest = np.argpartition(hashes, count)[:count]
        return nearest[np.argsort(hashes[nearest], kind="stable")]
    return np.argsort(hashes, kind="stable")


def _rotated(values: NDArray[np.uint64], bits: int) -> NDArray[np.uint64]:
    return (values << np.uint64(bits)) | (values >> np.uint64(64 - bits))
