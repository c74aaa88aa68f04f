"""Repairs change how text is written, never what it says."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.prepare.repair import repair


@pytest.mark.parametrize("sign", ["\r", "\x00", "\x0b", "\x0c", "\x1e", "\x85", "\u200b", "\u2028", "\u2029", "\ufeff"])
def test_a_control_or_invisible_character_becomes_one_space(sign: str) -> None:
    assert repair((f"good{sign}morning", "ụtụtụ ọma")) == (
        ("good morning", "ụtụtụ ọma"),
        ["controls"],
    )


def test_white_space_is_collapsed_and_stripped() -> None:
    assert repair(("  good \u00a0\u3000 morning ", "ụtụtụ ọma")) == (("good morning", "ụtụtụ ọma"), ["white-space"])


def test_decomposed_igbo_is_composed() -> None:
    decomposed = unicodedata.normalize("NFD", "ụlọ ọcha")
    assert repair(("white house", decomposed)) == (("white house", "ụlọ ọcha"), ["nfc"])


def test_a_tone_on_a_dotted_vowel_survives_as_a_combining_mark() -> None:
    (_, repaired), _ = repair(("cloth", unicodedata.normalize("NFD", "ọ́kụ̀")))
    assert repaired == "ọ\u0301kụ\u0300"


def test_clean_text_is_left_alone() -> None:
    texts = ("\u201cHe\u2019s here,\u201d she said", "\u201cỌ nọ ebe a,\u201d ka o kwuru")
    assert repair(texts) == (texts, [])


@given(st.text(), st.text())
def test_repairing_twice_changes_nothing_more(left: str, right: str) -> None:
    once, _ = repair((left, right))
    assert repair(once) == (once, [])
