"""The bundled corpus: the same every time, good Igbo spelling, dirt for every rule, and enough left to learn from."""

from __future__ import annotations

import unicodedata
from collections import Counter
from pathlib import Path

import pytest

from pipeline.staging import phrasebook
from pipeline.staging.corpus import publish_corpus
from pipeline.staging.phrasebook import PhraseRow, bundled_spec, corpus
from pipeline.staging.phrasebook.clauses import Pair
from pipeline.staging.phrasebook.generate import FRAMES, clean_pairs, folded
from steps.prepare.options import PrepareOptions
from steps.prepare.run import Inputs, Outputs, prepare

LANGUAGES = ("en", "ig")


@pytest.fixture(scope="module")
def rows() -> list[PhraseRow]:
    """The corpus."""
    return corpus()


@pytest.fixture(scope="module")
def clean() -> list[Pair]:
    """Its clean pairs."""
    return clean_pairs(17)


@pytest.fixture(scope="module")
def texts(rows: list[PhraseRow]) -> tuple[list[str], list[str]]:
    """The monolingual text that goes with it."""
    return phrasebook.monolingual(17, [side for row in rows for side in (row.en, row.ig)])


def test_the_same_seed_gives_the_same_corpus_and_another_seed_another(rows: list[PhraseRow]) -> None:
    assert corpus() == rows
    assert corpus(seed=18) != rows


def test_there_are_over_five_thousand_clean_pairs_and_each_sentence_has_one_translation(clean: list[Pair]) -> None:
    assert len(clean) >= 5200
    for side in (0, 1):
        assert len({folded(pair[side]) for pair in clean}) == len(clean)


def test_clean_sentences_are_short_composed_and_end_like_sentences(clean: list[Pair]) -> None:
    for en, ig in clean:
        assert unicodedata.is_normalized("NFC", ig)
        assert "  " not in en + ig
        assert len(en.split()) <= 10
        assert len(ig.split()) <= 10
        assert (en[0] + ig[0]).isupper()
        assert en[-1] == ig[-1]
        assert en[-1] in ".?"


def test_igbo_uses_its_own_letters_and_marks_tone_where_it_matters(clean: list[Pair]) -> None:
    letters = Counter("".join(ig for _, ig in clean))
    for letter in "ịọụṅàá\u0300":  # the last on dotted vowels: ọ̀
        assert letters[letter] > 10, letter


def test_subjects_and_verbs_agree_in_vowel_harmony() -> None:
    everything = {pair for frame, _ in FRAMES for pair in frame()}
    for pair in [
        ("She ate yam.", "O riri ji."),
        ("She bought yam.", "Ọ zụrụ ji."),
        ("I ate yam.", "Eriri m ji."),
        ("Ada has drunk water.", "Ada aṅụọla mmiri."),
        ("You have eaten yam.", "I riela ji."),
        ("Ada does not eat yam.", "Ada anaghị eri ji."),
        ("She does not eat yam.", "Ọ naghị eri ji."),
        ("I will not eat yam.", "Agaghị m eri ji."),
        ("I want to buy salt.", "Achọrọ m ịzụ nnu."),
        ("Is Ada cooking rice?", "Ada ọ̀ na-esi osikapa?"),
        ("Are the children going to school?", "Ụmụaka hà na-aga ụlọ akwụkwọ?"),
        ("Where is my dog?", "Kedu ebe nkịta m nọ?"),
        ("Where is my book?", "Kedu ebe akwụkwọ m dị?"),
        ("This book is mine.", "Akwụkwọ a bụ nke m."),
        ("Ada lives in Enugu.", "Ada bi n'Enugu."),
        ("Please give me water.", "Biko, nye m mmiri."),
        ("Do not open the door.", "Emepela ụzọ."),
    ]:
        assert pair in everything


def test_most_preparation_rules_have_rows_to_drop_and_enough_remain(tmp_path: Path) -> None:
    manifest = publish_corpus([bundled_spec(tmp_path)], LANGUAGES, tmp_path / "corpora")
    report = prepare(
        Inputs(tmp_path / "corpora" / manifest.fingerprint, manifest),
        Outputs(tmp_path / "out", tmp_path / "out"),
        languages=LANGUAGES,
        options=PrepareOptions(),
        seed=17,
        workers=1,
        engine="native",
        work=tmp_path / "work",
        tokenizer=None,
        progress=lambda phase, done, total: None,
    )
    hits = {rule.rule for rule in report.rules if rule.dropped}
    assert {"empty", "undecodable", "malformed", "too-short", "too-long", "ratio", "identical", "duplicate"} <= hits
    assert report.repaired["nfc"] > 20
    assert report.repaired["white-space"] > 20
    assert 0.02 < 1 - report.rows_out / report.rows_in < 0.06
    assert report.largest_component < 20, "near-copies must not melt the corpus into one group"
    assert report.splits["test"] >= 200
    assert report.splits["validation"] >= 200


def test_monolingual_text_shares_no_sentence_with_the_corpus(
    rows: list[PhraseRow], texts: tuple[list[str], list[str]]
) -> None:
    corpus_sentences = {folded(side) for row in rows for side in (row.en, row.ig)}
    for side in texts:
        assert corpus_sentences.isdisjoint(map(folded, side))


def test_monolingual_text_holds_no_sentence_together_with_its_translation(texts: tuple[list[str], list[str]]) -> None:
    english, igbo = set(texts[0]), set(texts[1])
    parallel = [pair for frame, _ in FRAMES for pair in frame() if pair[0] in english and pair[1] in igbo]
    assert parallel == []


def words(text: str) -> list[str]:
    return "".join(sign if sign.isalnum() or unicodedata.combining(sign) else " " for sign in text.casefold()).split()


def test_monolingual_text_knows_every_word_of_the_clean_corpus(
    clean: list[Pair], texts: tuple[list[str], list[str]]
) -> None:
    for side in (0, 1):
        known = {word for text in texts[side] for word in words(text)}
        assert {word for pair in clean for word in words(pair[side])} <= known


def test_the_corpus_file_is_plain_tsv(tmp_path: Path, rows: list[PhraseRow]) -> None:
    phrasebook.write_tsv(tmp_path / "phrasebook.tsv")
    lines = (tmp_path / "phrasebook.tsv").read_bytes().decode().split("\n")
    assert lines[0] == "id\ten\tig"
    assert lines[-1] == ""
    assert lines[1:-1] == ["\t".join(row) for row in rows]


def test_the_row_that_preparation_keeps_is_the_clean_one():
    first = {}
    for row in corpus():
        first.setdefault((folded(row.en), folded(row.ig)), row)
    assert not [row for row in first.values() if len(row.en) > 3 and row.en.isupper() and row.ig.isupper()]
