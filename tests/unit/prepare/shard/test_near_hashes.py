"""Band hashes: equal sets agree, unlike sets do not, and similar sets agree as often as the formula says."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa

from steps.languages import language
from steps.prepare.folding import fold
from steps.prepare.shard.minhash import ROWS_AT_ONCE, Bands, band_hashes
from steps.prepare.tables import BANDS, ROWS_PER_BAND

IGBO = language("ig")


def bands(texts: list[str], first: int = 0) -> Bands:
    """Band hashes of texts whose rows count from `first`."""
    rows = np.arange(first, first + len(texts), dtype=np.uint64)
    return band_hashes(fold(pa.array(texts, pa.large_string()), IGBO).shingles(), rows)


def sentence(chance: random.Random, words: int) -> list[str]:
    """Words that are all different."""
    return [f"w{number}" for number in chance.sample(range(10**6), words)]


def test_a_row_has_the_same_bands_in_any_batch() -> None:
    chance = random.Random(1)
    texts = [" ".join(sentence(chance, chance.randint(1, 40))) for _ in range(ROWS_AT_ONCE + 50)]
    whole = bands(texts)
    for place in (0, 7, ROWS_AT_ONCE, len(texts) - 1):
        assert (bands([texts[place]], place)[0] == whole[place]).all()
    assert (bands(texts[::-1])[::-1] == whole).all()


def test_equal_sets_agree_in_all_bands_and_unlike_ones_in_none() -> None:
    found = bands(["one two three four", "One, two three: four!", "one two three four one two", "five six seven eight"])
    assert (found[0] == found[1]).all()
    assert not (found[0] == found[3]).any()


def test_rows_without_words_are_alike_to_none() -> None:
    found = bands(["?!", "...", "", "word"])
    assert len(np.unique(found[:, 0])) == 4


def test_similar_sets_share_a_band_as_often_as_the_formula_says() -> None:
    chance = random.Random(2)
    texts, pairs, size = [], 3000, 37
    for _ in range(pairs):
        words = sentence(chance, size)  # of 36 bigrams, four go with two changed words
        other = words.copy()
        for place in (8, 25):
            other[place] = f"x{chance.randrange(10**9)}"
        texts += [" ".join(words), " ".join(other)]
    found = bands(texts)
    likeness = (36 - 4) / (36 + 4)
    expected = 1 - (1 - likeness**ROWS_PER_BAND) ** BANDS
    shared = float((found[::2] == found[1::2]).any(axis=1).mean())
    assert abs(shared - expected) < 0.03
    assert abs(float((found[::2] == found[1::2]).mean()) - likeness**ROWS_PER_BAND) < 0.02
