"""A hash of whole numbers that is the same everywhere and for good, for draws and for orders that nobody chose.

Python's hash and Polars' promise nothing between versions; XXH3 is fixed by its specification.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# From the xxhash specification, XXH3 of 4 to 8 bytes: two words of the default secret, the avalanche's multiplier
SECRET = 0x1CAD21F72C81017C ^ 0xDB979083E96DD4DE
MULTIPLIER = np.uint64(0x9FB21C651E98DF25)


def xxh3_64(values: NDArray[np.uint64], seed: int = 0) -> NDArray[np.uint64]:
    """XXH3 (64 bits) of each value's 8 little-endian bytes, as `xxhash.xxh3_64_intdigest` gives it. A bijection."""
    low = seed & 0xFFFFFFFF
    swapped = int.from_bytes(low.to_bytes(4, "little"), "big")
    flip = (SECRET - ((seed ^ (swapped << 32)) & 0xFFFFFFFFFFFFFFFF)) & 0xFFFFFFFFFFFFFFFF
    mixed = ((values >> np.uint64(32)) | (values << np.uint64(32))) ^ np.uint64(flip)
    mixed ^= _rotated(mixed, 49) ^ _rotated(mixed, 24)
    mixed *= MULTIPLIER
    mixed ^= (mixed >> np.uint64(35)) + np.uint64(8)
    mixed *= MULTIPLIER
    return mixed ^ (mixed >> np.uint64(28))


def _rotated(values: NDArray[np.uint64], bits: int) -> NDArray[np.uint64]:
    return (values << np.uint64(bits)) | (values >> np.uint64(64 - bits))
