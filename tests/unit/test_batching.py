"""Every batching strategy places every example once, inside its limits, always the same way."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.batching import STRATEGIES, pack_best_fit, packed, padded, token_budget

CAPACITY, LONGEST = 64, 40
LENGTHS = st.lists(st.integers(1, LONGEST), max_size=120)
EVERY = pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=STRATEGIES)


@EVERY
@given(lengths=LENGTHS)
def test_every_example_is_in_exactly_one_row(strategy, lengths):
    batches = strategy(lengths, CAPACITY, LONGEST)
    assert sorted(item for batch in batches for row in batch.rows for item in row) == list(range(len(lengths)))
    assert all(row for batch in batches for row in batch.rows), "no row is empty"


@EVERY
@given(lengths=LENGTHS)
def test_examples_fit_their_row_and_rows_the_capacity(strategy, lengths):
    for batch in strategy(lengths, CAPACITY, LONGEST):
        assert all(sum(lengths[item] for item in row) <= batch.width for row in batch.rows)
        assert batch.slots == len(batch.rows) * batch.width <= CAPACITY


@EVERY
@given(lengths=LENGTHS)
def test_the_same_lengths_give_the_same_batches(strategy, lengths):
    assert strategy(lengths, CAPACITY, LONGEST) == strategy(tuple(lengths), CAPACITY, LONGEST)


@given(LENGTHS)
def test_a_pack_is_one_row_of_the_whole_capacity(lengths):
    assert all((len(batch.rows), batch.width) == (1, CAPACITY) for batch in packed(lengths, CAPACITY, LONGEST))


@given(LENGTHS)
def test_a_token_budget_batch_is_as_wide_as_its_longest_example_and_as_full_as_it_can_be(lengths):
    batches = token_budget(lengths, CAPACITY, LONGEST)
    for batch in batches:
        assert all(len(row) == 1 for row in batch.rows)
        assert batch.width == max(lengths[row[0]] for row in batch.rows)
    for batch, following in pairwise(batches):
        assert batch.slots + batch.width > CAPACITY, "another row would not have fitted"
        assert following.width <= min(lengths[row[0]] for row in batch.rows), "like lengths are together"


@given(LENGTHS)
def test_padded_rows_hold_one_example_each_in_the_order_they_came(lengths):
    batches = padded(lengths, CAPACITY, LONGEST)
    assert [item for batch in batches for row in batch.rows for item in row] == list(range(len(lengths)))
    assert all(batch.width == LONGEST for batch in batches)


def test_a_padded_example_longer_than_the_capacity_still_gets_a_row():
    assert [(len(batch.rows), batch.slots) for batch in padded([5, 6], 32, 40)] == [(1, 40), (1, 40)]


@pytest.mark.parametrize("strategy", [packed, token_budget])
def test_an_example_over_the_capacity_is_an_error(strategy):
    with pytest.raises(ValueError, match="item 1 of length 65 does not fit"):
        strategy([3, 65], CAPACITY, LONGEST)


@pytest.mark.parametrize("seed", range(3))
def test_best_fit_fills_99_percent_where_a_pack_holds_eight_examples_or_more(seed):
    """Lengths as sentences have them: log-normal, a mean near 97 tokens, none over 256, packs of 8 times the mean."""
    drawn = np.random.default_rng(seed).lognormal(mean=4.45, sigma=0.5, size=5_000).round().astype(int)
    lengths = np.clip(drawn, 8, 256).tolist()
    capacity = 8 * round(sum(lengths) / len(lengths))
    packs = pack_best_fit(lengths, capacity)
    assert sum(lengths) / (len(packs) * capacity) >= 0.99
