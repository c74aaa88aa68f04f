"""chrF++ and BLEU as sacrebleu gives them, and a bootstrap that knows noise from loss."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sacrebleu.metrics.chrf import CHRF

from steps.evaluate.bootstrap import draw_test_sets
from steps.evaluate.inputs import read_held_out
from steps.evaluate.score import bleu, chrf, compare, sentence_chrf
from steps.job import Refused
from steps.prompt import normalise

REFERENCES = [f"Ọ na-ere azụ̀ {number} n’ahịa." for number in range(60)]
WRONG = "Anyị hụrụ ya."
DRAWS = draw_test_sets(60, seed=1)


def p_of(ours: list[str], theirs: list[str], seed: int = 1) -> float:
    return compare("en-ig", "champion", ours, theirs, REFERENCES, draw_test_sets(60, seed)).p


def test_the_same_sentence_in_nfd_and_nfc_scores_full_marks(tmp_path: Path) -> None:
    decomposed = [unicodedata.normalize("NFD", text) for text in REFERENCES]
    pq.write_table(pa.table({"en": ["x"] * 60, "ig": decomposed}), tmp_path / "test.parquet")
    references = read_held_out(tmp_path / "test.parquet", ("en", "ig")).references(0)

    assert chrf([normalise(text) for text in REFERENCES], references, DRAWS).value == pytest.approx(100)
    assert bleu([normalise(text) for text in REFERENCES], references, DRAWS).value == pytest.approx(100)


def test_signatures_say_chrf_plus_plus_and_the_bleu_tokenizer() -> None:
    assert "nc:6|nw:2" in chrf(["a"], ["b"], draw_test_sets(1, 1)).signature
    assert "tok:13a" in bleu(["a"], ["b"], draw_test_sets(1, 1)).signature


def test_a_system_that_says_nothing_scores_nothing() -> None:
    assert chrf([""] * 60, REFERENCES, DRAWS).value == 0
    assert sentence_chrf("", REFERENCES[0]) == 0


def test_fewer_translations_than_references_are_refused() -> None:
    with pytest.raises(Refused, match="59 translations for 60 references"):
        chrf(REFERENCES[1:], REFERENCES, DRAWS)


def test_equal_systems_never_count_as_worse() -> None:
    assert p_of(REFERENCES, REFERENCES, seed=1) == 1.0


def test_a_clearly_worse_system_has_a_small_p_and_its_rival_a_large_one() -> None:
    worse = [WRONG if place % 3 == 0 else text for place, text in enumerate(REFERENCES)]
    assert p_of(worse, REFERENCES, seed=1) < 0.01
    assert p_of(REFERENCES, worse, seed=1) == 1.0


def test_a_difference_in_different_sentences_is_noise() -> None:
    ours = [WRONG if place in (1, 2, 3) else text for place, text in enumerate(REFERENCES)]
    theirs = [WRONG if place in (4, 5) else text for place, text in enumerate(REFERENCES)]
    assert chrf(ours, REFERENCES, DRAWS).value < chrf(theirs, REFERENCES, DRAWS).value
    assert 0.05 < p_of(ours, theirs, seed=1) < 0.95


def test_the_seed_decides_the_resamples() -> None:
    ours = [WRONG if place in (1, 2, 3) else text for place, text in enumerate(REFERENCES)]
    theirs = [WRONG if place in (4, 5) else text for place, text in enumerate(REFERENCES)]
    assert p_of(ours, theirs, seed=7) == p_of(ours, theirs, seed=7)
    assert len({p_of(ours, theirs, seed=seed) for seed in range(5)}) > 1


def test_counts_per_sentence_sum_to_the_corpus_score() -> None:
    """The bootstrap reads sacrebleu's counts through private names: this fails if they change their meaning."""
    metric = CHRF(word_order=2)
    hypotheses = [WRONG if place % 4 == 0 else text for place, text in enumerate(REFERENCES)]
    counts = metric._extract_corpus_statistics(hypotheses, [REFERENCES])
    summed = [sum(column) for column in zip(*counts, strict=True)]
    assert metric._compute_score_from_stats(summed).score == pytest.approx(chrf(hypotheses, REFERENCES, DRAWS).value)


def test_an_interval_holds_its_score_and_narrows_with_more_sentences() -> None:
    """Every fourth sentence wrong: the score is the same for 60 and 240 sentences, and four times as many halve the interval."""
    hypotheses = [WRONG if place % 4 == 0 else text for place, text in enumerate(REFERENCES)]
    few = chrf(hypotheses, REFERENCES, DRAWS)
    many = chrf(hypotheses * 4, REFERENCES * 4, draw_test_sets(240, seed=1))
    assert few.low < few.value < few.high
    assert (many.high - many.low) / (few.high - few.low) == pytest.approx(0.5, abs=0.1)


def test_the_interval_of_a_difference_holds_zero_for_noise_and_not_for_loss() -> None:
    worse = [WRONG if place % 3 == 0 else text for place, text in enumerate(REFERENCES)]
    loss = compare("en-ig", "base", worse, REFERENCES, REFERENCES, DRAWS)
    assert loss.low < loss.difference < loss.high < 0
    ours = [WRONG if place in (1, 2, 3) else text for place, text in enumerate(REFERENCES)]
    theirs = [WRONG if place in (4, 5) else text for place, text in enumerate(REFERENCES)]
    noise = compare("en-ig", "base", ours, theirs, REFERENCES, DRAWS)
    assert noise.low < 0 < noise.high


def test_intervals_cover_what_they_promise() -> None:
    """Of 120 test sets drawn from a known mixture, about 95 in 100 intervals of the share of right sentences hold the truth.

    BLEU and chrF++ have no known truth; here the score of a sentence is 100 or 0, and the corpus score follows their share.
    """
    import numpy as np

    right, wrong = "aaaa bbbb", "cccc dddd"
    truth = chrf([right] * 70 + [wrong] * 30, [right] * 100, draw_test_sets(100, 1)).value
    random = np.random.default_rng(4)
    held = 0
    for trial in range(120):
        hypotheses = [right if draw < 0.7 else wrong for draw in random.random(100)]
        score = chrf(hypotheses, [right] * 100, draw_test_sets(100, trial))
        held += score.low <= truth <= score.high
    assert 0.88 <= held / 120 <= 1.0
