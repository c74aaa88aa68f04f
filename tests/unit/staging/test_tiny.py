"""The tiny base model: built the same twice, of the promised shape, and never from a sentence of the corpus."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.staging import phrasebook, tiny
from pipeline.staging.base_model import stage_base_model
from pipeline.staging.phrasebook.generate import folded
from steps.contract import BaseModelManifest
from steps.models import load_base
from steps.prompt import Prompter, load_tokenizer

STEPS = 2


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, BaseModelManifest, list[tuple[int, int, str]]]:
    """A barely trained one, with the progress it reported."""
    into = tmp_path_factory.mktemp("tiny")
    news: list[tuple[int, int, str]] = []
    manifest = stage_base_model("tiny", into, steps=STEPS, progress=lambda *item: news.append(item))
    return into, manifest, news


def test_tiny_is_a_small_mistral_that_loads(
    staged: tuple[Path, BaseModelManifest, list[tuple[int, int, str]]],
) -> None:
    into, manifest, news = staged
    model, _ = load_base(into / manifest.fingerprint)
    assert manifest.architecture == "MistralForCausalLM"
    assert 0.7e6 < manifest.parameters < 1.5e6
    assert model.num_parameters() == manifest.parameters
    assert manifest.licence == "apache-2.0"
    assert news[-1] == (STEPS, STEPS, "steps")


def test_tiny_is_the_same_when_built_again(
    staged: tuple[Path, BaseModelManifest, list[tuple[int, int, str]]], tmp_path: Path
) -> None:
    assert stage_base_model("tiny", tmp_path, steps=STEPS) == staged[1]


def test_tiny_is_not_built_again_where_it_lies(
    staged: tuple[Path, BaseModelManifest, list[tuple[int, int, str]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiny, "build", lambda *_: pytest.fail("built again"))
    assert stage_base_model("tiny", staged[0], steps=STEPS) == staged[1]


def test_another_seed_or_number_of_steps_is_another_model() -> None:
    assert len({tiny.Recipe(seed=1).revision, tiny.Recipe(seed=2).revision, tiny.Recipe(seed=1, steps=3).revision}) == 3


def test_the_tokenizer_has_distinct_special_tokens_and_returns_composed_text(
    staged: tuple[Path, BaseModelManifest, list[tuple[int, int, str]]],
) -> None:
    into, manifest, _ = staged
    tokenizer = load_tokenizer(into / manifest.fingerprint / "tokenizer")
    special = {tokenizer.unk_token_id, tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id}
    assert len(special) == 4
    assert None not in special
    composed = "Ọ̀ na-aṅụ mmiri?"
    ids = tokenizer.encode(" O\u0323\u0300 na-an\u0307u\u0323 mmiri?", add_special_tokens=False)
    assert tokenizer.decode(ids).strip() == composed
    assert len(Prompter.of(tokenizer, ("en", "ig")).sentence("My mother is eating yam.")) <= 8


@pytest.mark.parametrize("seed", [17, 18])
def test_no_pre_training_sentence_is_in_the_corpus_and_none_is_translated(seed: int) -> None:
    corpus = {folded(text) for row in phrasebook.corpus() for text in (row.en, row.ig)}
    for document in tiny.documents(seed):
        first, second = document.split("\n")
        name, sentence = first.split(": ", 1)
        assert second == first, "a document says one sentence twice, in one language"
        assert name in {"English", "Igbo"}
        assert folded(sentence) not in corpus
