"""Sets are compared in full and in whole numbers, however the work is cut."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steps.prepare.folding import Bigrams
from steps.prepare.settle import jaccard
from steps.prepare.settle.jaccard import Threshold, near, shared_members
from steps.prepare.settle.sweep import Index

SETS = st.lists(
    st.frozensets(st.integers(0, 2**64 - 1).map(lambda value: value % 17 * 2**59), max_size=14), max_size=25
)


def flat(sets: Sequence[frozenset[int]]) -> Bigrams:
    offsets = np.cumsum([0, *map(len, sets)]).astype(np.int64)
    return Bigrams(offsets, np.array([member for item in sets for member in sorted(item)], np.uint64))


def are_near(first: frozenset[int], second: frozenset[int], threshold: Threshold) -> bool:
    shared, union = len(first & second), len(first | second)
    return bool(shared) and threshold.denominator * shared >= threshold.numerator * union


@settings(max_examples=100, deadline=None)
@given(SETS, SETS, st.sampled_from([0.5, 0.8, 0.85, 1.0]), st.sampled_from([1, 3, 2**21]))
def test_every_two_sets_are_compared_as_python_compares_them(
    first: list[frozenset[int]], second: list[frozenset[int]], limit: float, at_once: int
) -> None:
    threshold = Threshold.of(limit)
    every = [(one, other) for one in range(len(first)) for other in range(len(second))]
    at = [np.array([pair[side] for pair in every], np.int64) for side in (0, 1)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jaccard, "TOKENS_AT_ONCE", at_once)
        shared = shared_members(flat(first), at[0], flat(second), at[1])
        found = near(flat(first), at[0], flat(second), at[1], threshold)
    assert shared.tolist() == [len(first[one] & second[other]) for one, other in every]
    assert found.tolist() == [are_near(first[one], second[other], threshold) for one, other in every]


@settings(max_examples=150, deadline=None)
@given(SETS, SETS, st.sampled_from([0.5, 0.8, 1.0]))
def test_the_sweep_finds_all_near_pairs_and_no_other(
    held_out: list[frozenset[int]], others: list[frozenset[int]], limit: float
) -> None:
    threshold = Threshold.of(limit)
    found = Index.of(flat(held_out), threshold).near(flat(others), threshold)
    assert sorted(zip(*(places.tolist() for places in found), strict=True)) == [
        (query, owner)
        for query, other in enumerate(others)
        for owner, held in enumerate(held_out)
        if are_near(held, other, threshold)
    ]


@pytest.mark.parametrize(("limit", "fraction"), [(0.8, (4, 5)), (0.85, (17, 20)), (1.0, (1, 1)), (0.5, (1, 2))])
def test_a_threshold_is_the_fraction_that_was_written(limit: float, fraction: tuple[int, int]) -> None:
    assert Threshold.of(limit) == Threshold(*fraction)


@pytest.mark.parametrize("union", [5, 35, 10**15])
def test_exactly_four_fifths_is_near_and_one_less_is_not(union: int) -> None:
    shared = np.array([union * 4 // 5, union * 4 // 5 - 1])
    assert Threshold.of(0.8).reached(shared, np.array([union, union])).tolist() == [True, False]


def test_sentences_without_words_are_near_to_nothing() -> None:
    none = flat([frozenset()])
    at = np.zeros(1, np.int64)
    assert not near(none, at, none, at, Threshold.of(0.8)).any()
