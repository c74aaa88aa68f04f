"""The hash behind draws and splits is XXH3, as its specification and the xxhash library have it."""

from __future__ import annotations

import numpy as np
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from steps.prepare.stable_hash import xxh3_64

VALUES = st.lists(st.integers(0, 2**64 - 1), max_size=20)


@given(VALUES, st.integers(0, 2**64 - 1))
def test_the_hash_is_xxh3_of_eight_little_endian_bytes(values: list[int], seed: int) -> None:
    expected = [xxhash.xxh3_64_intdigest(value.to_bytes(8, "little"), seed=seed) for value in values]
    assert xxh3_64(np.array(values, np.uint64), seed).tolist() == expected


@given(VALUES)
def test_the_seed_is_nought_unless_one_is_given(values: list[int]) -> None:
    expected = [xxhash.xxh3_64_intdigest(value.to_bytes(8, "little")) for value in values]
    assert xxh3_64(np.array(values, np.uint64)).tolist() == expected
