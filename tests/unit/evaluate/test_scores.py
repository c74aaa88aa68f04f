"""chrF++ and BLEU as sacrebleu gives them, and a bootstrap that knows noise from loss."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sacrebleu.metrics.chrf import CHRF

from steps.evaluate.inputs import read_held_out
from steps.evaluate.score import bleu, chrf, paired_p, sentence_chrf
from steps.job import Refused
from steps.prompt import normalise

REFERENCES = [f"Ọ na-ere azụ̀ {number} n’ahịa." for number in range(60)]
WRONG = "Anyị hụrụ ya."


def test_the_same_sentence_in_nfd_and_nfc_scores_full_marks(tmp_path: Path) -> None:
    decomposed = [unicodedata.normalize("NFD", text) for text in REFERENCES]
    pq.write_table(pa.table({"en": ["x"] * 60, "ig": decomposed}), tmp_path / "test.parquet")
    references = read_held_out(tmp_path / "test.parquet", ("en", "ig")).references(0)

    assert chrf([normalise(text) for text in REFERENCES], references).value == pytest.approx(100)
    assert bleu([normalise(text) for text in REFERENCES], references).value == pytest.approx(100)


def test_signatures_say_chrf_plus_plus_and_the_bleu_tokenizer() -> None:
    assert "nc:6|nw:2" in chrf(["a"], ["b"]).signature
    assert "tok:13a" in bleu(["a"], ["b"]).signature


def test_a_system_that_says_nothing_scores_nothing() -> None:
    assert chrf([""] * 60, REFERENCES).value == 0
    assert sentence_chrf("", REFERENCES[0]) == 0


def test_fewer_translations_than_references_are_refused() -> None:
    with pytest.raises(Refused, match="59 translations for 60 references"):
        chrf(REFERENCES[1:], REFERENCES)


def test_equal_systems_never_count_as_worse() -> None:
    assert paired_p(REFERENCES, REFERENCES, REFERENCES, seed=1) == 1.0


def test_a_clearly_worse_system_has_a_small_p_and_its_rival_a_large_one() -> None:
    worse = [WRONG if place % 3 == 0 else text for place, text in enumerate(REFERENCES)]
    assert paired_p(worse, REFERENCES, REFERENCES, seed=1) < 0.01
    assert paired_p(REFERENCES, worse, REFERENCES, seed=1) == 1.0


def test_a_difference_in_different_sentences_is_noise() -> None:
    ours = [WRONG if place in (1, 2, 3) else text for place, text in enumerate(REFERENCES)]
    theirs = [WRONG if place in (4, 5) else text for place, text in enumerate(REFERENCES)]
    assert chrf(ours, REFERENCES).value < chrf(theirs, REFERENCES).value
    assert 0.05 < paired_p(ours, theirs, REFERENCES, seed=1) < 0.95


def test_the_seed_decides_the_resamples() -> None:
    ours = [WRONG if place in (1, 2, 3) else text for place, text in enumerate(REFERENCES)]
    theirs = [WRONG if place in (4, 5) else text for place, text in enumerate(REFERENCES)]
    assert paired_p(ours, theirs, REFERENCES, seed=7) == paired_p(ours, theirs, REFERENCES, seed=7)
    assert len({paired_p(ours, theirs, REFERENCES, seed=seed) for seed in range(5)}) > 1


def test_counts_per_sentence_sum_to_the_corpus_score() -> None:
    """The bootstrap reads sacrebleu's counts through private names: this fails if they change their meaning."""
    metric = CHRF(word_order=2)
    hypotheses = [WRONG if place % 4 == 0 else text for place, text in enumerate(REFERENCES)]
    counts = metric._extract_corpus_statistics(hypotheses, [REFERENCES])
    summed = [sum(column) for column in zip(*counts, strict=True)]
    assert metric._compute_score_from_stats(summed).score == pytest.approx(chrf(hypotheses, REFERENCES).value)
