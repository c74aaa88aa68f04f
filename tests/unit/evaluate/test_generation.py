"""Batched greedy decoding gives what decoding one sentence at a time gives, and ends where an answer ends."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.evaluate import generate
from steps.evaluate.generate import Translator, answer_limit, batches
from steps.evaluate.inputs import read_held_out
from steps.evaluate.systems import BASE, TRAINED, acting_as, load_systems
from steps.prompt import Prompter


@pytest.fixture(scope="module")
def translator(base_model: Path, learned: Path, prompter: Prompter) -> Translator:
    model, _ = load_systems(base_model, {TRAINED: learned})
    return Translator.of(model, prompter)


@pytest.mark.parametrize("system", [BASE, TRAINED])
@pytest.mark.parametrize("direction", [0, 1])
def test_a_batch_translates_like_one_sentence_at_a_time(
    translator: Translator, splits: Path, system: str, direction: int
) -> None:
    sentences = read_held_out(splits / "test.parquet", ("en", "ig")).sources(direction)
    sentences = [*sentences, "I", " ".join(sentences)]
    with acting_as(translator.model, system):
        together = translator.translate(sentences, direction)
        alone = [translator.translate([sentence], direction)[0] for sentence in sentences]
    assert together == alone


def test_an_unnormalised_source_translates_like_its_normal_form(translator: Translator) -> None:
    with acting_as(translator.model, TRAINED):
        composed, decomposed = translator.translate(["Anyị na-ere ji.", "Anyi\u0323  na-ere\tji. "], 1)
    assert composed == decomposed == "We are selling yam."


def test_the_base_model_acts_as_if_no_adapter_had_been_loaded(
    translator: Translator, base_model: Path, untrained: Path, prompter: Prompter
) -> None:
    plain, _ = load_systems(base_model, {TRAINED: untrained})
    with acting_as(translator.model, BASE):
        masked = translator.translate(["I am eating yam."], 0)
    assert masked == Translator.of(plain, prompter).translate(["I am eating yam."], 0)


def test_an_answer_ends_at_eos_or_at_the_first_line_break(translator: Translator) -> None:
    tokenizer = translator.prompter.tokenizer

    def answer(text: str, *after: int) -> str:
        return translator._answer([*tokenizer.encode(text, add_special_tokens=False), *after])

    assert answer(" Ana m eri ji.") == "Ana m eri ji."
    assert answer(" Ana m", tokenizer.eos_token_id, *tokenizer.encode(" eri ji.")) == "Ana m"
    assert answer(" Ana m\nEnglish: I am") == "Ana m"
    assert answer("\n Ana m") == ""


def test_translations_of_a_long_sentence_stop_at_a_limit_of_its_own(translator: Translator) -> None:
    with acting_as(translator.model, BASE):
        answer = translator.translate(["I"], 0)[0]
    tokens = translator.prompter.tokenizer.encode(answer, add_special_tokens=False)
    assert len(tokens) <= 2 * answer_limit(2)


@given(st.lists(st.integers(1, 40_000), max_size=300))
def test_every_sentence_is_in_one_batch_and_no_batch_is_over_its_limits(slots: list[int]) -> None:
    groups = list(batches(slots))
    assert sorted(item for group in groups for item in group) == list(range(len(slots)))
    for group in groups:
        assert len(group) <= generate.ROWS_PER_BATCH
        padded = len(group) * max(slots[item] for item in group)
        assert len(group) == 1 or padded <= generate.TOKENS_PER_BATCH
