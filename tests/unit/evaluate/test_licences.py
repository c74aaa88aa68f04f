"""LICENCES.md says what was stated, and says where nothing was."""

from __future__ import annotations

from typing import Any

import pytest

from steps.contract import BaseModelManifest, CorpusSource, DataReport, ModelShape
from steps.evaluate.licences import licences
from tests.unit.review import conftest as reports

SHAPE = ModelShape(layers=1, hidden=8, intermediate=8, heads=1, kv_heads=1, head=8, vocabulary=8, tied=False)


def base(**changes: Any) -> BaseModelManifest:
    stated = {"name": "mistralai/Mistral-7B-v0.3", "revision": "caa1feb", "licence": "apache-2.0"} | changes
    return BaseModelManifest(
        architecture="MistralForCausalLM",
        parameters=1,
        vocabulary=8,
        shape=SHAPE,
        files=[],
        fingerprint="f" * 64,
        **stated,
    )


def data(*sources: tuple[str, str]) -> DataReport:
    rows = [CorpusSource(name=name, licence=licence, format="tsv", paths=["a"], lines=7) for name, licence in sources]
    return reports.data_report().model_copy(update={"corpus": "bible and news", "sources": rows})


def test_the_base_model_and_every_corpus_are_named_with_their_licence() -> None:
    text = licences(base(), data(*((f"part {number}", "CC-BY-4.0") for number in range(40))))
    assert "- mistralai/Mistral-7B-v0.3, revision caa1feb: apache-2.0\n" in text
    assert "## Corpus: bible and news\n" in text
    assert [line for line in text.splitlines() if line.startswith("- part")] == [
        f"- part {number}, 7 pairs: CC-BY-4.0" for number in range(40)
    ]


@pytest.mark.parametrize("nothing", ["", "  \n", "\x00\u202e", "not stated"])
def test_a_licence_that_nobody_stated_is_said_to_be_missing(nothing: str) -> None:
    text = licences(base(licence=nothing), data(("news", nothing)))
    assert text.count(": not stated\n") == 2


def test_names_of_others_cannot_pretend_to_be_lines_or_markup_of_ours() -> None:
    text = licences(base(), data(("news\n- forged, 1 pairs: MIT", "<script>[x](http://y)</script>")))
    assert len([line for line in text.splitlines() if line.startswith("- ")]) == 2
    assert r"\<script\>\[x\](http://y)\</script\>" in text
