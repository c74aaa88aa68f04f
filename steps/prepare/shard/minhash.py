"""MinHash: rows with many common word bigrams get equal band hashes with high probability (Broder 1997).

Two rows whose sets have Jaccard similarity s agree in one hash with probability s, so in a band of r hashes with s^r
and in at least one of b bands with 1 - (1 - s^r)^b. Candidates are verified, so a collision costs time only, and 16
bits a hash are enough: twice as many fit into a register as of 32.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from steps.prepare.characters import Places
from steps.prepare.folding import Bigrams
from steps.prepare.tables import BANDS, ROWS_PER_BAND
from steps.prepare.words import FIRST_FACTOR, SECOND_FACTOR, Hashes, mixed

HASHES = BANDS * ROWS_PER_BAND
ROWS_AT_ONCE = 1024  # 112 hashes of 1,024 rows are 224 KiB: they stay in the cache while all bigrams pass
SLICES = 4  # a bigram's 64 bits are four independent numbers of 16; each serves a quarter of the hashes

_LARGEST = np.uint16(0xFFFF)
_CONSTANTS = mixed(np.arange(1, HASHES + 1, dtype=np.uint64))  # fixed: bands are compared across shards and runs
_FACTORS = (_CONSTANTS & np.uint64(0xFFFF) | np.uint64(1)).astype(np.uint16)[:, None]
_ADDENDS = (_CONSTANTS >> np.uint64(32) & np.uint64(0xFFFF)).astype(np.uint16)[:, None]

Bands = npt.NDArray[np.uint32]


def band_hashes(shingles: Bigrams, rows: npt.NDArray[np.uint64]) -> Bands:
    """Band hashes of n rows, [n, BANDS]. A row without bigrams is like no other: its bands come from its number."""
    sizes = np.diff(shingles.offsets)
    order = np.argsort(-sizes, kind="stable")
    # [SLICES, bigrams]: hash i takes slice i // (HASHES / SLICES)
    values = np.ascontiguousarray(shingles.hashes.view(np.uint16).reshape(-1, SLICES).T)
    bands = np.empty((len(sizes), BANDS), dtype=np.uint32)
    for first in range(0, len(order), ROWS_AT_ONCE):
        chunk = order[first : first + ROWS_AT_ONCE]
        bands[chunk] = _banded(_minima(values, shingles.offsets[chunk], sizes[chunk]))
    none = np.flatnonzero(sizes == 0)
    numbers: Hashes = np.arange(BANDS, dtype=np.uint64)
    alone = mixed(rows[none] + SECOND_FACTOR)[:, None] + numbers
    bands[none] = (mixed(alone) >> np.uint64(32)).astype(np.uint32)
    return bands


def _minima(values: npt.NDArray[np.uint16], starts: Places, sizes: Places) -> npt.NDArray[np.uint16]:
    """The least value of each hash over each row's bigrams, [HASHES, rows]. Sizes must descend.

    Step k takes the k-th bigram of all rows that have one, so that every operation runs over many rows.
    """
    rows, share = len(starts), HASHES // SLICES
    least = np.full((HASHES, rows), _LARGEST, dtype=np.uint16)
    hashed = np.empty((HASHES, rows), dtype=np.uint16)
    with_more = rows - np.searchsorted(sizes[::-1], np.arange(1, sizes[0] + 1))
    for step, count in enumerate(with_more.tolist()):
        at = starts[:count] + step
        now, best = hashed[:, :count], least[:, :count]
        for part in range(SLICES):
            group = slice(part * share, (part + 1) * share)
            np.multiply(_FACTORS[group], values[part][at], out=now[group])
        now += _ADDENDS
        np.minimum(best, now, out=best)
    return least


def _banded(minima: npt.NDArray[np.uint16]) -> Bands:
    """Every band's hashes as one number, [rows, BANDS]."""
    words = minima.reshape(BANDS, ROWS_PER_BAND, -1).astype(np.uint64)
    state: Hashes = np.zeros((BANDS, words.shape[2]), dtype=np.uint64)
    for place in range(ROWS_PER_BAND):
        state = (state ^ words[:, place]) * FIRST_FACTOR
        state ^= state >> np.uint64(29)
    return (state >> np.uint64(32)).astype(np.uint32).T
