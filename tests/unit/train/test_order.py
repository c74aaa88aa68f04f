"""The order of micro-batches follows from the seed and the epoch, and a step's from its number."""

from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.train import order
from steps.train.order import RunOrder

COUNTS, TOTALS, SEEDS = st.integers(1, 40), st.integers(0, 150), st.integers(0, 2**31 - 1)


@given(COUNTS, TOTALS, SEEDS)
def test_every_epoch_reads_every_micro_batch_once_and_the_last_is_cut(count, total, seed):
    numbers = list(RunOrder(count, total, seed))
    assert len(numbers) == total == len(RunOrder(count, total, seed))
    for start in range(0, total, count):
        epoch = numbers[start : start + count]
        assert sorted(epoch) == list(range(count)) if len(epoch) == count else len(set(epoch)) == len(epoch)


@given(COUNTS, TOTALS, SEEDS, st.data())
def test_a_slice_is_what_iteration_gives_there_in_any_order_of_asking(count, total, seed, data):
    run = RunOrder(count, total, seed)
    numbers = list(run)
    for _ in range(5):
        start = data.draw(st.integers(0, total))
        end = data.draw(st.integers(start, total))
        assert run.slice(start, end) == numbers[start:end]


@given(COUNTS, SEEDS, TOTALS, TOTALS)
def test_a_longer_run_begins_like_a_shorter_one(count, seed, first, second):
    """So more epochs, or a run cut short, never change what was already seen."""
    shorter, longer = sorted((first, second))
    assert list(islice(RunOrder(count, longer, seed), shorter)) == list(RunOrder(count, shorter, seed))


def test_epochs_and_seeds_differ_in_their_order():
    run = RunOrder(30, 60, 3)
    assert run.slice(0, 30) != run.slice(30, 60)
    assert run.slice(0, 30) != RunOrder(30, 60, 4).slice(0, 30)


def test_the_order_of_a_seed_stays_what_it_was():
    """A checkpoint of last month must go on where it stopped: these numbers may never change."""
    assert RunOrder(8, 16, 3).slice(0, 16) == [0, 3, 2, 4, 1, 5, 6, 7, 3, 7, 0, 4, 6, 5, 2, 1]


@pytest.mark.parametrize("at_once", [1, 7])
def test_the_order_does_not_depend_on_how_many_numbers_are_made_at_once(monkeypatch, at_once):
    whole = list(RunOrder(20, 50, 1))
    monkeypatch.setattr(order, "AT_ONCE", at_once)
    assert list(RunOrder(20, 50, 1)) == whole


def test_only_the_last_epochs_are_kept_in_memory():
    run = RunOrder(10, 1_000, 1)
    for start in range(0, 1_000, 10):
        run.slice(start, start + 10)
    assert len(run._epochs) == order.EPOCHS_KEPT
