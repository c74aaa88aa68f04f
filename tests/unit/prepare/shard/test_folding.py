"""Keys, templates and bigrams against a slow reference that handles one character at a time."""

from __future__ import annotations

import random
import unicodedata
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from steps.languages import Language, language
from steps.prepare import characters
from steps.prepare.folding import APOSTROPHES, JOINERS, Bigrams, fold

IGBO = language("ig")
PLAIN = Language(code="xx", name="X", identified_as=("xx",), fold_apostrophes=False)

# Letters that fold together, letters whose folds are longer, marks, digits of two scripts, signs, white space
ALPHABET = (
    "aAbBkK\u212asS\u017fßẞİiıIéÉe\u0301ọỌO\u0323ụ\u0301ȺⱥꭰᎠ𐐀𐐨Σσς"
    "0123456789٣½²_-.,!  \t'’ʼ`\u200c\u200b\u00a0中文\U0001f600"
)
texts = st.text(alphabet=st.one_of(st.sampled_from(ALPHABET), st.characters(exclude_categories=["Cs"])), max_size=40)


def fold_character(character: str) -> str:
    """The simple case fold of a character."""
    for folded in (character.casefold(), character.lower()):
        if len(folded) == 1:
            return folded
    return character


def reference_words(text: str, fold_apostrophes: bool) -> list[str]:
    """The folded words of a text."""
    left_out = JOINERS + (APOSTROPHES if fold_apostrophes else "")
    kept = "".join(fold_character(character) for character in text if character not in left_out)
    return regex.findall(r"[\p{L}\p{M}\p{N}]+", kept)  # type: ignore[no-any-return]


def reference_bigrams(words: list[str]) -> set[tuple[str, ...]]:
    """The set of word bigrams."""
    return {tuple(words)} if len(words) == 1 else set(pairwise(words))


def sets(bigrams: Bigrams) -> list[set[int]]:
    """Every row's hashes."""
    parts = np.split(bigrams.hashes, bigrams.offsets[1:-1])
    return [set(part.tolist()) for part in parts]


@given(st.lists(texts, min_size=2, max_size=12), st.sampled_from([IGBO, PLAIN]))
def test_keys_are_equal_exactly_where_the_folded_words_join_to_the_same_letters(
    rows: list[str], side: Language
) -> None:
    keys = fold(pa.array(rows, pa.large_string()), side).keys().tolist()
    expected = ["".join(reference_words(row, side.fold_apostrophes)) for row in rows]
    for first in range(len(rows)):
        for second in range(len(rows)):
            assert (keys[first] == keys[second]) == (expected[first] == expected[second]), (rows[first], rows[second])


@given(st.lists(texts, min_size=2, max_size=12), st.sampled_from([IGBO, PLAIN]))
def test_templates_are_equal_exactly_where_keys_differ_in_digits_only(rows: list[str], side: Language) -> None:
    templates = fold(pa.array(rows, pa.large_string()), side).templates().tolist()
    expected = [regex.sub(r"\p{N}+", "0", "".join(reference_words(row, side.fold_apostrophes))) for row in rows]
    for first in range(len(rows)):
        for second in range(len(rows)):
            assert (templates[first] == templates[second]) == (expected[first] == expected[second])


@given(st.lists(texts, min_size=2, max_size=8), st.sampled_from([IGBO, PLAIN]))
def test_bigram_sets_have_the_sizes_and_intersections_of_the_reference(rows: list[str], side: Language) -> None:
    found = fold(pa.array(rows, pa.large_string()), side).bigrams()
    expected = [reference_bigrams(reference_words(row, side.fold_apostrophes)) if row else set() for row in rows]
    expected = [{item for item in items if item} for items in expected]
    actual = sets(found)
    for first in range(len(rows)):
        row = found.hashes[found.offsets[first] : found.offsets[first + 1]]
        assert (row[1:] > row[:-1]).all()
        for second in range(len(rows)):
            assert len(actual[first] & actual[second]) == len(expected[first] & expected[second])


@given(st.lists(texts, max_size=10))
def test_a_row_is_folded_alike_whatever_its_batch_holds(rows: list[str]) -> None:
    batch = fold(pa.array(rows, pa.large_string()), IGBO)
    alone = [fold(pa.array([row], pa.string()), IGBO) for row in rows]
    assert batch.keys().tolist() == [row.keys()[0] for row in alone]
    assert batch.templates().tolist() == [row.templates()[0] for row in alone]
    assert sets(batch.bigrams())[: len(rows)] == [sets(row.bigrams())[0] for row in alone]


def test_words_of_any_length_have_different_bigrams() -> None:
    chance = random.Random(3)
    words = sorted({"".join(chance.choices("abọ", k=length)) for length in range(1, 60) for _ in range(40)})
    hashes = fold(pa.array(words), IGBO).bigrams().hashes
    assert len(set(hashes.tolist())) == len(words)


def test_a_sliced_or_chunked_or_empty_array_is_read_where_it_lies() -> None:
    rows = ["one", "two two", "ọzọ"]
    whole = fold(pa.array(rows), IGBO).keys().tolist()
    assert fold(pa.array(rows).slice(1), IGBO).keys().tolist() == whole[1:]
    assert fold(pa.chunked_array([rows[:1], rows[1:]]), IGBO).keys().tolist() == whole
    nothing = fold(pa.array([], pa.large_string()), IGBO)
    assert (len(nothing.keys()), len(nothing.templates()), nothing.bigrams().offsets.tolist()) == (0, 0, [0])


@pytest.mark.parametrize(
    ("left", "right"), [("n'ụlọ", "N’ỤLỌ!"), ("Kedụ ihe?", "kedụ-ihe"), ("O\u0323\u0301", "ọ\u0301".upper())]
)
def test_writings_of_one_sentence_have_one_key(left: str, right: str) -> None:
    nfc = [unicodedata.normalize("NFC", text) for text in (left, right)]
    keys = fold(pa.array(nfc), IGBO).keys()
    assert keys[0] == keys[1]


def test_tones_and_apostrophes_of_other_languages_keep_sentences_apart() -> None:
    assert len(set(fold(pa.array(["akwa", "ákwà", "akwá"]), IGBO).keys().tolist())) == 3
    assert len(set(fold(pa.array(["it's", "its"]), PLAIN).bigrams().hashes.tolist())) == 2


def test_folding_never_makes_a_character_longer() -> None:
    packed = characters.encoded(np.arange(characters.CODE_POINTS, dtype=np.uint32))
    bytes_of = (packed != 0).astype(int) + (packed > 0xFF) + (packed > 0xFFFF) + (packed > 0xFFFFFF)
    assert (bytes_of[characters.folded()] <= bytes_of).all()


@given(st.lists(texts, max_size=8))
def test_characters_beyond_ascii_are_decoded_as_python_does(rows: list[str]) -> None:
    joined = characters.join(pa.array(rows, pa.large_string()))
    assert joined.points.tolist() == [ord(item) for row in rows for item in row if ord(item) > 127]
    assert joined.row_of(joined.places).tolist() == [
        place for place, row in enumerate(rows) for item in row if ord(item) > 127
    ]


@given(st.lists(st.booleans(), max_size=40))
def test_places_are_those_that_numpy_finds(marked: list[bool]) -> None:
    flags = np.array(marked, dtype=np.bool_)
    values = np.arange(len(marked), dtype=np.uint8)[::-1].copy()
    assert characters.places_of(flags).tolist() == np.flatnonzero(flags).tolist()
    assert characters.picked(values, flags).tolist() == values[flags].tolist()
