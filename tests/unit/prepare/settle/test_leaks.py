"""The recount from the written files sees every equal sentence and every near-copy across splits, and no other."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steps.contract import SPLITS
from steps.prepare import leaks
from steps.prepare.leaks import count_leaks
from steps.prepare.options import PrepareOptions
from tests.unit.prepare.settle.building import LANGUAGES, Writer, bigrams, key, near

Splits = Mapping[str, Sequence[tuple[str, str]]]
LONG = "one two three four five six seven eight nine ten eleven"


def counted(splits: Splits, folder: Path, **options: object) -> tuple[int, int]:
    files = {}
    for split in SPLITS:
        rows = splits.get(split, [])
        columns = {"id": [f"made:{row}" for row in range(len(rows))], "source": ["made"] * len(rows)}
        columns |= {language.code: [row[side] for row in rows] for side, language in enumerate(LANGUAGES)}
        files[split] = folder / f"{split}.parquet"
        schema = pa.schema([(name, pa.large_string()) for name in columns])
        pq.write_table(pa.table(columns, schema=schema), files[split])
    found = count_leaks(files, LANGUAGES, PrepareOptions(**options), lambda *_: None)
    return found.equal, found.near


def compared(splits: Splits) -> tuple[int, int]:
    """By comparing every sentence with every held-out one of a later split."""
    equal = close = 0
    for side in (0, 1):
        for number, split in enumerate(SPLITS):
            others = [row[side] for later in SPLITS[number + 1 :] for row in splits[later]]
            keys, sets = {key(other) for other in others}, [bigrams(other) for other in others]
            for row in splits[split]:
                if key(row[side]) in keys:
                    equal += 1
                elif any(near(bigrams(row[side]), other) for other in sets):
                    close += 1
    return equal, close


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(3, 60), st.integers(0, 60), st.integers(1, 10))
def test_the_recount_equals_comparing_every_two(seed: int, fresh: int, planted: int, share: int) -> None:
    pairs = Writer(seed).corpus(fresh, planted)
    cut = len(pairs) * share // 30
    splits = {"test": pairs[:cut], "validation": pairs[cut : 2 * cut], "train": pairs[2 * cut :]}
    with tempfile.TemporaryDirectory() as folder:
        assert counted(splits, Path(folder)) == compared(splits)


@pytest.mark.parametrize("split", ["train", "validation"])
@pytest.mark.parametrize("side", [0, 1])
def test_a_copy_is_seen_on_either_side(tmp_path: Path, split: str, side: int) -> None:
    def row(text: str, other: str) -> tuple[str, str]:
        return (other, text) if side else (text, other)

    held = {"test": [row(LONG, "a b")]}
    assert counted({**held, split: [row(LONG.upper() + "!", "c d")]}, tmp_path) == (1, 0)
    assert counted({**held, split: [row(f"{LONG} twelve", "c d")]}, tmp_path) == (0, 1)
    assert counted({**held, split: [row(f"{LONG} twelve", "c d")]}, tmp_path, near_copies=False) == (0, 0)
    assert counted({**held, split: [row(LONG[:20], "c d")]}, tmp_path) == (0, 0)


def test_a_sentence_equal_to_one_of_the_other_language_is_no_leak(tmp_path: Path) -> None:
    assert counted({"test": [("Lagos", "Eko")], "train": [("Eko", "Lagos")]}, tmp_path) == (0, 0)


def test_batches_do_not_change_the_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = Writer(5).corpus(200, 200)
    splits = {"test": pairs[:30], "validation": pairs[30:60], "train": pairs[60:]}
    whole = counted(splits, tmp_path)
    monkeypatch.setattr(leaks, "BATCH", 7)
    monkeypatch.setattr(leaks, "SUSPECTS_AT_ONCE", 2)
    assert counted(splits, tmp_path) == whole
    assert min(whole) > 0
