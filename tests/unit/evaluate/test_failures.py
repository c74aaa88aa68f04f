"""What counts as a broken translation, and what does not."""

from __future__ import annotations

import pytest

from steps.evaluate.failures import (
    DOTS,
    TONES,
    count_failures,
    is_copied,
    is_empty,
    is_untranslated,
    mark_recall,
    repeats,
)


@pytest.mark.parametrize(
    ("text", "loops"),
    [
        ("ahịa ahịa ahịa", True),
        ("he said that he said that he said that", True),
        ("ahịa ahịa", False),
        ("he said that he said that she left", False),
        ("very very good, very very bad", False),
        ("", False),
    ],
)
def test_a_loop_is_a_phrase_three_times_in_a_row(text: str, loops: bool) -> None:
    assert repeats(text) is loops


@pytest.mark.parametrize(
    ("hypothesis", "reference", "empty"),
    [
        ("", "Ụtụtụ ọma.", True),
        (".", "Ụtụtụ ọma.", True),
        ("… — !", "2024", True),
        ("ọ", "Ụtụtụ ọma.", False),
        ("7", "Ụtụtụ ọma.", False),
        (".", "…", False),
        ("", "…", True),
    ],
)
def test_nothing_but_punctuation_is_empty_where_there_was_something_to_say(
    hypothesis: str, reference: str, empty: bool
) -> None:
    assert is_empty(hypothesis, reference) is empty
    found = count_failures(["Good morning."], [hypothesis], [reference])
    assert (found.empty, found.broken) == (float(empty), float(empty))


def test_saying_the_source_back_is_a_copy_unless_that_is_the_translation() -> None:
    assert is_copied("Good morning.", "good morning", "Ụtụtụ ọma.")
    assert not is_copied("Lagos 2024", "Lagos 2024", "Lagos 2024.")
    assert not is_copied("Good morning.", "", "Ụtụtụ ọma.")


def test_half_a_sentence_left_in_the_source_language_is_untranslated_and_a_name_is_not() -> None:
    source, reference = "The farmer sold yams near Enugu.", "Onye ọrụ ugbo rere ji na nso Enugu."
    assert is_untranslated(source, "farmer sold rere yams", reference)
    assert not is_untranslated(source, "Onye ọrụ rere ji Enugu", reference)
    assert not is_untranslated(source, "", reference)


def test_mark_recall_asks_about_marks_and_not_about_the_choice_of_words() -> None:
    assert mark_recall(["Ọ na-ere azu taa"], ["Ọ na-ere azụ echi"], DOTS) == pytest.approx(1 / 2)
    assert mark_recall(["ihe ọzọ"], ["Ọ na-ere azụ"], DOTS) is None, "none of the marked words was said at all"
    assert mark_recall(["hello"], ["good"], DOTS) is None
    assert mark_recall(["ákwà akwa"], ["ákwà àkwà"], TONES) == pytest.approx(1 / 2)


def test_composed_and_decomposed_letters_count_the_same() -> None:
    assert mark_recall(["o\u0323zo\u0323"], ["ọzọ"], DOTS) == 1.0


def test_every_kind_is_counted_once_in_the_share_of_broken_ones() -> None:
    sources = ["Good morning to you.", "See you.", "He ate.", "Come in now."]
    references = ["Ụtụtụ ọma nye gị.", "Ka ọ dị.", "O riri nri.", "Bata ugbu a."]
    hypotheses = ["Good morning to you.", "", "nri nri nri nri", "Bata ugbu a."]
    found = count_failures(sources, hypotheses, references)
    assert (found.empty, found.copied, found.repetitive, found.untranslated) == (0.25, 0.25, 0.25, 0.25)
    assert found.broken == 0.75, "a copy is untranslated too, and is one broken translation"
    assert found.length_ratio == pytest.approx(sum(map(len, hypotheses)) / sum(map(len, references)))


def test_references_that_loop_excuse_translations_that_do() -> None:
    found = count_failures(["Ha ha ha!"], ["Ha ha ha!"], ["Ha ha ha!"])
    assert found.broken == 0


def test_fewer_translations_than_sources_are_an_error() -> None:
    with pytest.raises(ValueError, match="shorter"):
        count_failures(["a", "b"], ["c"], ["d", "e"])
