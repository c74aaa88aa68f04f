"""The synthetic corpus must be what its labels say, or what is measured on it means nothing."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.benchmarks.design import CODE, LABELS, SHARES, chunk_counts, design, draw
from tests.benchmarks.sentences import sentences
from tests.benchmarks.synthetic import LABELS_FILE, Slice, make_slice, write_corpus
from tests.benchmarks.vocabulary import Vocabulary, read_vocabulary

ROWS = 20_000


@pytest.fixture(scope="module")
def words() -> Vocabulary:
    return read_vocabulary(None)


@pytest.fixture(scope="module")
def piece(words: Vocabulary) -> Slice:
    return make_slice(3, 0, ROWS, words)


def rows_of(piece: Slice, label: str) -> list[dict[str, Any]]:
    """Rows with a label: text of both sides, labels' columns."""
    return [
        {**row, "left": left, "right": right}
        for row, left, right in zip(
            piece.labels.to_pylist(), piece.left.to_pylist(), piece.right.to_pylist(), strict=True
        )
        if row["label"] == label
    ]


def test_every_label_has_its_share(piece: Slice) -> None:
    counts = Counter(piece.labels["label"].to_pylist())
    assert set(counts) == set(LABELS)
    for label, share in SHARES.items():
        assert counts[label] / ROWS == pytest.approx(share / 10_000, rel=0.15, abs=0.001), label


def test_a_slice_is_the_same_however_the_corpus_is_sliced(piece: Slice, words: Vocabulary) -> None:
    part = make_slice(3, 7_001, 9_500, words)
    assert part.left.to_pylist() == piece.left.slice(7_001, 2_499).to_pylist()
    assert part.right.to_pylist() == piece.right.slice(7_001, 2_499).to_pylist()
    assert part.labels.to_pylist() == piece.labels.slice(7_001, 2_499).to_pylist()


def test_another_seed_makes_another_corpus(piece: Slice, words: Vocabulary) -> None:
    first, second = ({row["left"] for row in rows_of(part, "good")} for part in (piece, make_slice(4, 0, 500, words)))
    assert len(second) > 250
    assert len(first & second) < 0.05 * len(second)


def test_sentences_have_the_lengths_of_mined_text(piece: Slice) -> None:
    assert 100 < sum(map(len, piece.left.to_pylist())) / ROWS < 140
    assert 130 < sum(map(len, piece.right.to_pylist())) / ROWS < 165


def test_copies_repeat_a_good_row_that_came_before(piece: Slice) -> None:
    labels, lefts = piece.labels["label"].to_pylist(), piece.left.to_pylist()
    for name in ("duplicate", "near-copy"):
        for row in rows_of(piece, name):
            of = row["of"]
            assert of < row["row"]
            assert labels[of] == "good"
            assert set(row["left"].lower().split()[1:-1]) & set(lefts[of].lower().split())


def test_damage_is_what_its_label_says(piece: Slice) -> None:
    for row in rows_of(piece, "copied"):
        assert row["left"] == row["right"]
    for row in rows_of(piece, "blank"):
        assert b"\n" in (row["left"], row["right"])
        assert row["left"] != row["right"]
    for row in rows_of(piece, "undecodable"):
        with pytest.raises(UnicodeDecodeError):
            (row["left"] + row["right"]).decode()
    for row in rows_of(piece, "nfd"):
        text = row["right"].decode().rstrip("\n")
        assert text == unicodedata.normalize("NFD", str(row["clean_right"]))
    for row in rows_of(piece, "mojibake"):
        text = row["right"].decode().rstrip("\n")
        assert text != row["clean_right"] or text.isascii()
    for row in rows_of(piece, "over-long"):
        assert min(len(row["left"].decode()), len(row["right"].decode())) > 1000


def test_a_shifted_row_has_the_target_that_belongs_to_the_row_before(words: Vocabulary) -> None:
    rows = design(3, 0, ROWS)
    moved = rows.numbers[rows.are("shifted")]
    straight = replace(rows, codes=np.full_like(rows.codes, CODE["good"]), of=rows.numbers)
    straight = replace(straight, chunks=chunk_counts(3, rows.numbers))
    choice = draw(3, "choice", rows.numbers)
    shifted, meant = (sentences(3, kind, 1, words, choice).to_pylist() for kind in (rows, straight))
    assert len(moved) > 100
    assert all(shifted[row] == meant[row - 1] != meant[row] for row in moved.tolist())


def test_lines_and_labels_on_disk_count_the_same(words: Vocabulary, tmp_path: Path) -> None:
    left, right = write_corpus(tmp_path, 1_234, 5, words)
    counts = [path.read_bytes().count(b"\n") for path in (left, right)]
    assert counts == [1_234, 1_234]
    assert pq.read_metadata(tmp_path / LABELS_FILE).num_rows == 1_234
