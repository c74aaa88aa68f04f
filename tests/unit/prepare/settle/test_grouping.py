"""Rows that share a sentence or a near-copy stay in one split; what the sweep finds beyond them is dropped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from steps.job import Refused
from steps.prepare.options import PrepareOptions
from steps.prepare.settle.components import Components
from steps.prepare.settle.split import assign, held_out_size
from steps.prepare.tables import TEST, TRAIN, VALIDATION
from tests.unit.prepare.settle.building import Writer, settled

LONG = "one two three four five six seven eight nine ten eleven"  # 10 bigrams


def groups(pairs: list[tuple[str, str]], folder: Path, **options: object) -> list[int]:
    """Sizes of the groups of more than one row, among pairs that share nothing else."""
    writer = Writer(9)
    fresh = [(writer.sentence(9, 14), writer.sentence(9, 14)) for _ in range(60)]
    return [size for size in settled([*fresh, *pairs], folder, **options).settled.largest_components if size > 1]


def test_a_shared_source_or_target_or_near_copy_joins_rows(tmp_path: Path) -> None:
    pairs = [
        ("good morning", "ụtụtụ ọma"),
        ("Good morning!", "ị bọọla chi"),
        ("have you woken up", "Ị bọọla chi?"),
        (LONG, "otu"),
        (f"{LONG} twelve", "abụọ"),
        ("alone", "naanị ya"),
    ]
    assert groups(pairs, tmp_path / "near") == [3, 2]
    assert groups(pairs, tmp_path / "equal", near_copies=False) == [3]


def test_rows_join_through_a_chain_of_near_copies(tmp_path: Path) -> None:
    pairs = [(LONG, "otu"), (f"{LONG} twelve", "abụọ"), (f"{LONG} twelve thirteen fourteen", "atọ")]
    assert groups(pairs, tmp_path) == [3]


def test_sentences_that_repeat_the_same_bigrams_join(tmp_path: Path) -> None:
    assert groups([("ha ho ha ho", "otu"), ("ha ho ha ho ha ho", "abụọ")], tmp_path) == [2]


def test_a_sentence_equal_across_the_languages_joins_nothing(tmp_path: Path) -> None:
    assert groups([("Lagos", "Eko"), ("Eko", "Lagos")], tmp_path) == []


def alone(rows: int, sizes: dict[int, int] | None = None) -> Components:
    """Components of one row each, and before them larger ones: how many of which size."""
    each = [size for size, times in (sizes or {}).items() for _ in range(times)]
    each += [1] * (rows - sum(each))
    labels = np.repeat(np.arange(len(each)), each).astype(np.int32)
    return Components(np.arange(rows, dtype=np.uint32), labels, np.array(each))


def keys(rows: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 2**64, rows, dtype=np.uint64)


@pytest.mark.parametrize(("rows", "size"), [(20, 1), (39, 1), (40, 2), (40_000, 2000), (1_000_000, 2000)])
def test_a_held_out_split_has_five_percent_or_two_thousand_rows(rows: int, size: int) -> None:
    assert held_out_size(rows, PrepareOptions()) == size


def test_held_out_splits_are_filled() -> None:
    splits = assign(alone(200), keys(200), PrepareOptions(), seed=17)
    assert np.bincount(splits).tolist() == [180, 10, 10]


def test_groups_fill_the_room_there_is() -> None:
    components = alone(300, {3: 100})
    splits = assign(components, keys(300), PrepareOptions(), seed=17)
    assert [int(components.sizes[splits == split].sum()) for split in (VALIDATION, TEST)] == [15, 15]


@pytest.mark.parametrize(("size", "held_out"), [(100, True), (101, False)])
def test_a_group_of_over_a_hundred_rows_goes_to_train(size: int, held_out: bool) -> None:
    components = alone(4000, {size: 1})
    trials = [assign(components, keys(4000), PrepareOptions(), seed=seed)[0] for seed in range(40)]
    assert any(split != TRAIN for split in trials) is held_out


def test_the_seed_moves_rows_and_their_order_does_not() -> None:
    shuffle = np.random.default_rng(3).permutation(100)

    def test_keys(order: np.ndarray, seed: int) -> set[int]:
        shuffled = keys(100)[order]
        return set(shuffled[assign(alone(100), shuffled, PrepareOptions(), seed) == TEST].tolist())

    assert test_keys(np.arange(100), 17) == test_keys(shuffle, 17)
    assert test_keys(np.arange(100), 17) != test_keys(shuffle, 18)


def test_rows_that_are_all_one_group_are_refused(tmp_path: Path) -> None:
    writer = Writer(11)
    pairs = [("the same", writer.sentence(9, 14)) for _ in range(30)]
    with pytest.raises(Refused, match="validation would be empty: the 30 rows left form 1 groups"):
        settled(pairs, tmp_path, max_targets_per_source=30)


def test_a_corpus_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="no rows are left to split"):
        settled([], tmp_path)
