"""Packing: the arithmetic of best fit, and what one pack looks like to the model."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.batching import pack_best_fit
from steps.shards import IGNORED, assemble

LENGTHS = st.lists(st.integers(1, 64), max_size=200)


@given(LENGTHS)
def test_every_example_lies_in_exactly_one_pack_and_no_pack_overflows(lengths):
    packs = pack_best_fit(lengths, 64)
    assert sorted(item for pack in packs for item in pack) == list(range(len(lengths)))
    assert all(sum(lengths[item] for item in pack) <= 64 for pack in packs)


@given(LENGTHS)
def test_no_two_packs_could_have_been_one(lengths):
    """Best fit never opens a pack while an item still fits an open one, so at most one pack is half empty or less."""
    fills = [sum(lengths[item] for item in pack) for pack in pack_best_fit(lengths, 64)]
    assert sum(fill <= 32 for fill in fills) <= 1


def test_packing_depends_on_lengths_alone_and_ties_go_by_number():
    assert pack_best_fit([3, 5, 3, 5], 8) == [[1, 2], [3, 0]]
    assert pack_best_fit([5, 3, 3, 2, 8, 1], 8) == [[4], [0, 1], [2, 3, 5]]


@pytest.mark.parametrize("length", [0, 65])
def test_an_example_that_fits_no_pack_is_an_error(length):
    with pytest.raises(ValueError, match="does not fit"):
        pack_best_fit([length], 64)


def test_positions_restart_and_only_answers_carry_loss():
    pack = assemble([([1, 10, 11, 12, 2], 3), ([1, 20, 21, 2], 2)], 12, padding=3)
    assert pack.input_ids.tolist() == [1, 10, 11, 12, 2, 1, 20, 21, 2, 3, 3, 3]
    assert pack.position_ids.tolist() == [0, 1, 2, 3, 4, 0, 1, 2, 3, 0, 1, 2]
    assert pack.labels.tolist() == [IGNORED] * 3 + [12, 2] + [IGNORED] * 2 + [21, 2] + [IGNORED] * 3
    assert pack.input_ids.dtype == np.int64
