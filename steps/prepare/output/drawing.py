"""A draw that is fair and the same everywhere: rows with the smallest hash of their number."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from steps.prepare.stable_hash import xxh3_64


def drawn_places(rows: NDArray[np.uint64], count: int) -> NDArray[np.intp]:
    """Places of the `count` rows with the smallest hashes, smallest first."""
    hashes = xxh3_64(rows)
    if len(rows) > count:
        nearest = np.argpartition(hashes, count)[:count]
        return nearest[np.argsort(hashes[nearest], kind="stable")]
    return np.argsort(hashes, kind="stable")
