"""Jaccard similarity of bigram sets against a threshold, in whole numbers: nothing is rounded at exactly 0.8.

Sets lie flat in a `folding.Bigrams`: the hashes of set i are `hashes[offsets[i]:offsets[i + 1]]`, ascending, each once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from steps.prepare.folding import Bigrams

TOKENS_AT_ONCE = 2**21  # looked up in one go; bounds memory to about 100 bytes a token

Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Threshold:
    """A similarity as a fraction, e.g. 4/5."""

    numerator: int
    denominator: int

    @classmethod
    def of(cls, near: float) -> Threshold:
        """The fraction that the option was written as: 0.8 is 4/5, not the nearest binary number."""
        return cls(*Fraction(repr(near)).as_integer_ratio())

    def least_shared(self, sizes: Integers) -> Integers:
        """Members that a set of this size must share with any set that is near to it."""
        return -(-self.numerator * sizes // self.denominator)

    def reached(self, shared: Integers, union: Integers) -> Mask:
        """True where shared / union is at or over the threshold. Two empty sets are not near: they have no words."""
        return (shared > 0) & (self.denominator * shared >= self.numerator * union)


def sizes_of(sets: Bigrams, at: Integers) -> Integers:
    """Members of the sets at these places."""
    return sets.offsets[at + 1] - sets.offsets[at]


def are_comparable(first: Integers, second: Integers, threshold: Threshold) -> Mask:
    """True where sets of these sizes could be near: the smaller has what the larger must share."""
    return np.minimum(first, second) >= threshold.least_shared(np.maximum(first, second))


def near(first: Bigrams, first_at: Integers, second: Bigrams, second_at: Integers, threshold: Threshold) -> Mask:
    """True where set `first_at[i]` of `first` and set `second_at[i]` of `second` are near, compared in full."""
    sizes = sizes_of(first, first_at), sizes_of(second, second_at)
    possible = np.flatnonzero(are_comparable(*sizes, threshold))
    shared = shared_members(first, first_at[possible], second, second_at[possible])
    result = np.zeros(len(first_at), bool)
    result[possible] = threshold.reached(shared, sizes[0][possible] + sizes[1][possible] - shared)
    return result


def shared_members(first: Bigrams, first_at: Integers, second: Bigrams, second_at: Integers) -> Integers:
    """|A & B| of each pair of sets: every member of A looked up in B by binary search, all pairs at once."""
    shared = np.zeros(len(first_at), np.int64)
    ends = np.cumsum(sizes_of(first, first_at))
    for part in _parts(ends):
        shared[part] = _shared(first, first_at[part], second, second_at[part])
    return shared


def _parts(ends: Integers) -> Iterator[slice]:
    """Slices of about TOKENS_AT_ONCE tokens; a longer set is a slice of its own."""
    start = 0
    while start < len(ends):
        before = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + TOKENS_AT_ONCE, side="right")))
        yield slice(start, stop)
        start = stop


def _shared(first: Bigrams, first_at: Integers, second: Bigrams, second_at: Integers) -> Integers:
    sizes = sizes_of(first, first_at)
    ends = np.cumsum(sizes)
    if not len(ends) or not ends[-1] or not len(second.hashes):
        return np.zeros(len(first_at), np.int64)
    wanted = first.hashes[np.repeat(first.offsets[first_at] - (ends - sizes), sizes) + np.arange(ends[-1])]
    low = np.repeat(second.offsets[second_at], sizes)
    beyond = np.repeat(second.offsets[second_at + 1], sizes)
    high = beyond.copy()
    last = len(second.hashes) - 1
    for _ in range(int((high - low).max()).bit_length()):
        middle = (low + high) >> 1
        less = (second.hashes[np.minimum(middle, last)] < wanted) & (middle < high)
        low = np.where(less, middle + 1, low)
        high = np.where(less, high, middle)
    found = (low < beyond) & (second.hashes[np.minimum(low, last)] == wanted)
    running = np.concatenate(([0], np.cumsum(found)))
    counts: Integers = running[ends] - running[ends - sizes]
    return counts
