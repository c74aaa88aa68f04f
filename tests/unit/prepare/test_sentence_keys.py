"""Keys and shingles: what counts as the same sentence."""

from __future__ import annotations

from steps.prepare.keys import key, shingles, words


def test_words_keep_combining_tone_marks() -> None:
    assert words("Ọ́ bụ̀ ákwà.") == ["ọ\u0301", "bụ\u0300", "ákwà"]


def test_all_kinds_of_apostrophe_give_one_word() -> None:
    forms = [f"n{sign}ụlọ" for sign in "'`\u00b4\u2018\u2019\u02bc\u2032\uff07"]
    assert {tuple(words(form)) for form in forms} == {("nụlọ",)}


def test_keys_ignore_case_spaces_and_punctuation_but_not_letters_marks_or_digits() -> None:
    assert key("Na-aga, ọsọ ọsọ!") == key("na aga ỌSỌ ọsọ")
    assert len({key(text) for text in ("oso 1", "ọsọ 1", "ọ\u0301sọ 1", "ọsọ 2")}) == 4


def test_shingles_are_word_bigrams_and_of_a_single_word_the_word() -> None:
    assert shingles(["a", "b", "a", "b"]) == {"a b", "b a"}
    assert shingles(["a"]) == {"a"}
