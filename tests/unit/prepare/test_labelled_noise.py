"""Planted noise with known labels: what must be caught is caught, what is good is kept, and kept as it was."""

from __future__ import annotations

import pytest

from tests.benchmarks.noise import CLEAN, Findings, measure, prepare
from tests.benchmarks.synthetic import RESTORED, write_corpus
from tests.benchmarks.vocabulary import read_vocabulary

ROWS = 20_000


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> Findings:
    """One preparation with the defaults; chunks of the bundled phrasebook, so that every clone measures the same."""
    folder = tmp_path_factory.mktemp("noise")
    write_corpus(folder, ROWS, seed=2, words=read_vocabulary(None))
    prepare(folder, folder / "prepared", "--workers", "1")
    return measure(folder, folder / "prepared")


@pytest.mark.parametrize("label", ["blank", "empty", "copied", "over-long", "undecodable", "misaligned"])
def test_at_least_99_percent_of_what_one_row_shows_is_caught(findings: Findings, label: str) -> None:
    fate = findings.fate(label)
    assert fate.rows >= 10
    assert fate.caught >= 0.99 * fate.rows
    assert fate.named >= 0.97 * fate.caught


@pytest.mark.parametrize(("label", "least"), [("wrong-language", 0.97), ("duplicate", 0.99), ("near-copy", 0.97)])
def test_noise_that_needs_more_than_a_look_is_caught_too(findings: Findings, label: str, least: float) -> None:
    assert findings.fate(label).caught >= least * findings.fate(label).rows


def test_at_least_97_percent_of_good_pairs_are_kept(findings: Findings) -> None:
    rows, kept = (sum(getattr(findings.fate(label), name) for label in CLEAN) for name in ("rows", "kept"))
    assert kept >= 0.97 * rows


def test_no_kept_pair_has_the_sentence_of_another_row(findings: Findings) -> None:
    good = findings.fate("good")
    assert good.exact == good.kept


@pytest.mark.parametrize("label", RESTORED)
def test_repair_restores_the_very_text_that_was_damaged(findings: Findings, label: str) -> None:
    fate = findings.fate(label)
    assert fate.rows >= 10
    assert fate.kept >= 0.97 * fate.rows
    assert fate.exact >= 0.99 * fate.kept


def test_templates_are_kept_up_to_the_cap(findings: Findings) -> None:
    assert findings.fate("template").kept == pytest.approx(5 * 50, abs=5)


def test_rules_drop_little_that_was_good(findings: Findings) -> None:
    for count in findings.rules:
        if count.rule not in ("language", "letters", "repetition"):  # judge the sentence, which is made of chunks
            assert count.right >= 0.98 * count.dropped, count.rule
