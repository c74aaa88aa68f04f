"""Every preparation rule, on both sides of its limit."""

from __future__ import annotations

import pytest

from steps.prepare.row import Row
from steps.prepare.rules import RULES, sieve

SENTENCE = "Good morning, my friend"
GREETING = "Ụtụtụ ọma, enyi m"


def rule_hitting(left: str, right: str, malformed: bool = False) -> str | None:
    """Name of the rule that drops a single row, or None."""
    _, dropped = sieve([Row("test", 1, (left, right), malformed)])
    return dropped[0].rule if dropped else None


def test_a_good_pair_is_kept() -> None:
    assert rule_hitting(SENTENCE, GREETING) is None


@pytest.mark.parametrize(
    ("rule", "left", "right"),
    [
        ("empty", "", GREETING),
        ("empty", SENTENCE, ""),
        ("undecodable", SENTENCE, "Ụtụtụ \ufffdma"),
        ("too-short", "Ok", "Eee"),
        ("too-long", "a" * 1001, "b" * 1000),
        ("ratio", "a" * 51, "b" * 20),
        ("ratio", "a" * 7, "b" * 20),
        ("wrong-script", "доброе утро", GREETING),
        ("wrong-script", SENTENCE, "早上好 我的朋友 你好吗"),
        ("wrong-script", "ab 123", "abc 12"),
        ("identical", "Lagos is big", "LAGOS is big"),
    ],
)
def test_a_row_beyond_a_limit_is_dropped_by_its_rule(rule: str, left: str, right: str) -> None:
    assert rule_hitting(left, right) == rule


@pytest.mark.parametrize(
    ("rule", "left", "right"),
    [
        ("too-short", "Yes", "Eee"),
        ("too-long", "a" * 1000, "b" * 1000),
        ("ratio", "a" * 50, "b" * 20),
        ("ratio", "a" * 8, "b" * 20),
        ("ratio below 20 characters", "a" * 3, "b" * 19),
        ("wrong-script", "abc 123", "bcd 12"),
        ("wrong-script with combining marks", "a\u0323\u0301 12 3", "abc 12"),
        ("identical", "Lagos is big", "Lagos is bigger"),
    ],
)
def test_a_row_at_a_limit_is_kept(rule: str, left: str, right: str) -> None:
    assert rule_hitting(left, right) is None, rule


def test_a_row_with_extra_columns_is_dropped_because_its_texts_may_be_other_columns() -> None:
    assert rule_hitting(SENTENCE, GREETING, malformed=True) == "malformed"


def test_the_first_rule_of_the_table_wins() -> None:
    assert rule_hitting("", "\ufffd", malformed=True) == "empty"
    assert rule_hitting("\ufffd", "\ufffd", malformed=True) == "undecodable"


def test_the_first_of_two_equal_pairs_is_kept_whatever_case_punctuation_and_apostrophe() -> None:
    first = Row("test", 1, ("He is at home.", "Ọ nọ n'ụlọ."))
    second = Row("test", 2, ("he is at home", "Ọ NỌ N\u2019ỤLỌ!"))
    kept, dropped = sieve([first, second])
    assert kept == [first]
    assert dropped == [(second, "duplicate")]


def test_a_pair_sharing_one_side_with_another_is_kept() -> None:
    rows = [
        Row("test", 1, ("Good morning", "Ụtụtụ ọma")),
        Row("test", 2, ("Good morning", "Ị bọọla chi")),
        Row("test", 3, ("Morning greetings", "Ụtụtụ ọma")),
    ]
    assert sieve(rows) == (rows, [])


def test_a_tone_mark_makes_another_word_and_so_no_duplicate() -> None:
    rows = [Row("test", 1, ("It is a cloth", "Ọ bụ ákwà")), Row("test", 2, ("It is a cloth", "Ọ bụ akwa"))]
    assert sieve(rows) == (rows, [])


def test_a_dropped_row_does_not_make_a_later_row_a_duplicate() -> None:
    padded = Row("test", 1, ("!" * 10 + "abc", "bcd"))
    plain = Row("test", 2, ("abc", "bcd"))
    kept, dropped = sieve([padded, plain])
    assert [row.rule for row in dropped] == ["wrong-script"]
    assert kept == [plain]


def test_every_rule_has_a_name_of_its_own_and_a_reason() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.reason for rule in RULES)
