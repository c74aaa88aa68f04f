"""The set-similarity join finds every pair at or over Jaccard 0.8 and no other."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steps.prepare.near import near_copies, rare_first

TOKENS = st.sampled_from([f"t{number}" for number in range(14)])
SETS = st.lists(st.frozensets(TOKENS, min_size=1), unique=True, max_size=40)


def joined(sets: list[set[str]]) -> list[tuple[int, int]]:
    """Near pairs by the join, as ordered pairs of indices."""
    return sorted(
        (min(current, earlier), max(current, earlier))
        for current, near in near_copies(rare_first(sets))
        for earlier in near
    )


def compared(sets: list[set[str]]) -> list[tuple[int, int]]:
    """Near pairs by comparing every pair."""
    return [
        (first, second)
        for first, second in combinations(range(len(sets)), 2)
        if 10 * len(sets[first] & sets[second]) >= 8 * len(sets[first] | sets[second])
    ]


@settings(max_examples=400, deadline=None)
@given(SETS)
def test_the_join_equals_comparing_every_pair(sets: list[frozenset[str]]) -> None:
    plain = [set(tokens) for tokens in sets]
    assert joined(plain) == compared(plain)


@settings(max_examples=200, deadline=None)
@given(SETS, st.data())
def test_planted_near_copies_are_all_found(sets: list[frozenset[str]], data: st.DataObject) -> None:
    planted = [set(tokens) ^ data.draw(st.frozensets(TOKENS, max_size=2)) for tokens in sets]
    distinct = [set(tokens) for tokens in dict.fromkeys([*sets, *map(frozenset, planted)]) if tokens]
    assert joined(distinct) == compared(distinct)


@pytest.mark.parametrize(("size", "near"), [(4, True), (3, False)])
def test_a_subset_with_exactly_four_fifths_of_the_tokens_is_near(size: int, near: bool) -> None:
    assert joined([set("abcde"), set("abcde"[:size])]) == ([(0, 1)] if near else [])


def test_every_set_is_visited_once_so_that_progress_adds_up() -> None:
    sets = rare_first([{"a", "b"}, {"c"}, {"a", "b", "c"}])
    assert sorted(current for current, _ in near_copies(sets)) == [0, 1, 2]


def test_ranks_put_rare_tokens_first() -> None:
    assert rare_first([{"common", "rare"}, {"common"}, {"common", "middle"}, {"middle", "common"}]) == [
        (0, 2),
        (2,),
        (1, 2),
        (1, 2),
    ]
