"""Rows are grouped by shared sentences and near-copies, and groups are assigned whole."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.job import Refused
from steps.prepare.group import group_rows
from steps.prepare.row import Texts
from steps.prepare.split import held_out_size, split_groups

Pairs = list[Texts]
LONG = "one two three four five six seven eight nine ten eleven"  # 10 bigrams


def test_a_shared_source_or_target_or_near_copy_joins_rows() -> None:
    pairs = [
        ("good morning", "ụtụtụ ọma"),
        ("Good morning!", "ị bọọla chi"),
        ("have you woken up", "Ị bọọla chi?"),
        (LONG, "otu"),
        (f"{LONG} twelve", "abụọ"),
        ("alone", "naanị ya"),
    ]
    assert group_rows(pairs) == [[0, 1, 2], [3, 4], [5]]


def test_rows_join_through_a_chain_of_near_copies() -> None:
    pairs = [(LONG, "otu"), (f"{LONG} twelve", "abụọ"), (f"{LONG} twelve thirteen fourteen", "atọ")]
    assert group_rows(pairs) == [[0, 1, 2]]


def test_sentences_that_repeat_the_same_bigrams_join() -> None:
    assert group_rows([("ha ho ha ho", "otu"), ("ha ho ha ho ha ho", "abụọ")]) == [[0, 1]]


def test_a_near_copy_of_a_row_that_shares_its_key_with_another_is_found() -> None:
    rejoined = LONG.replace("one two", "onetwo")
    pairs = [(LONG, "otu"), (rejoined, "abụọ"), (f"{rejoined} twelve", "atọ")]
    assert group_rows(pairs) == [[0, 1, 2]]


def test_a_sentence_equal_across_the_languages_joins_nothing() -> None:
    assert group_rows([("Lagos", "Eko"), ("Eko", "Lagos")]) == [[0], [1]]


@pytest.mark.parametrize(("rows", "size"), [(20, 1), (39, 1), (40, 2), (40_000, 2000), (1_000_000, 2000)])
def test_a_held_out_split_has_five_percent_or_two_thousand_rows(rows: int, size: int) -> None:
    assert held_out_size(rows) == size


def test_held_out_splits_are_filled_and_every_row_is_in_one_split(
    clean_pairs: Callable[[int], Pairs],
) -> None:
    pairs = clean_pairs(200)
    splits = split_groups(pairs, [[row] for row in range(200)], seed=17)
    assert {name: len(rows) for name, rows in splits.items()} == {"train": 180, "validation": 10, "test": 10}
    assert sorted(chain.from_iterable(splits.values())) == list(range(200))
    assert all(rows == sorted(rows) for rows in splits.values())


def test_a_group_is_never_cut(clean_pairs: Callable[[int], Pairs]) -> None:
    groups = [list(range(start, start + 3)) for start in range(0, 300, 3)]
    splits = split_groups(clean_pairs(300), groups, seed=17)
    assert len(splits["test"]) == len(splits["validation"]) == 15
    for group in groups:
        assert sum(set(group) <= set(rows) for rows in splits.values()) == 1


@pytest.mark.parametrize(("size", "held_out"), [(100, True), (101, False)])
def test_a_group_of_over_a_hundred_rows_goes_to_train(
    clean_pairs: Callable[[int], Pairs], size: int, held_out: bool
) -> None:
    large = list(range(size))
    groups = [large, *([row] for row in range(size, 4000))]
    trials = [split_groups(clean_pairs(4000), groups, seed=seed) for seed in range(40)]
    assert any(set(large) <= set(trial["test"] + trial["validation"]) for trial in trials) is held_out


def test_the_seed_moves_rows_and_their_order_does_not(clean_pairs: Callable[[int], Pairs]) -> None:
    pairs = clean_pairs(100)
    shuffled = random.Random(3).sample(pairs, 100)
    alone = [[row] for row in range(100)]

    def test_rows(rows: Pairs, seed: int) -> set[Texts]:
        return {rows[row] for row in split_groups(rows, alone, seed)["test"]}

    assert test_rows(pairs, 17) == test_rows(shuffled, 17)
    assert test_rows(pairs, 17) != test_rows(pairs, 18)


def test_rows_that_are_all_one_group_are_refused(clean_pairs: Callable[[int], Pairs]) -> None:
    with pytest.raises(Refused, match="validation would be empty: the 30 rows left form 1 groups"):
        split_groups(clean_pairs(30), [list(range(30))], seed=17)


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from("abcdefgh"))))
def test_groups_partition_the_rows(pairs: Pairs) -> None:
    groups = group_rows(pairs)
    assert sorted(chain.from_iterable(groups)) == list(range(len(pairs)))
    for side in (0, 1):
        for sentence in {pair[side] for pair in pairs}:
            assert sum(any(pairs[row][side] == sentence for row in group) for group in groups) == 1
