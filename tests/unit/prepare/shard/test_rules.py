"""Every rule on both sides of its limit, and what it says it found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from steps.prepare.options import LOCAL_RULES, PrepareOptions
from steps.prepare.shard.rules import RULES_BY_NAME
from tests.unit.prepare.shard.cuts import Pair, prepared

SENTENCE = "Good morning, my friend"
GREETING = "Ụtụtụ ọma, enyi m"
LEFT_100 = "the rain fell on the old town and nobody went out to see the lamps along the river that night at all"
RIGHT_100 = "mmiri zoro n'obodo ochie ahụ nke na ọ dịghị onye pụrụ ịhụ ọkụ ndị ahụ dị n'akụkụ osimiri n'abalị ahụ"


@pytest.mark.parametrize(
    ("pair", "rule", "value"),
    [
        ((SENTENCE, GREETING), None, None),
        (("", GREETING), "empty", None),
        ((SENTENCE, " \u200b\t"), "empty", None),
        ((SENTENCE, b"\xff Kedu"), "undecodable", None),
        (("Good \ufffd morning", GREETING), "undecodable", None),
        (("ab", "abc"), "too-short", "2"),
        (("abc", "ọmụ"), None, None),
        (("so it was and so it is " * 44, GREETING), "too-long", "1011"),
        (("a" * 20, "bcdefghi"), None, None),
        (("abcdefghij klmnopqrst", "bcdefghi"), "ratio", "2.62"),
        (("x" * 19, "bcd"), None, None),
        (("Ministry of Health", "MINISTRY OF HEALTH"), "identical", None),
        (("Straße und Haus", "strasse UND haus"), "identical", None),
        (("Ministry of Health", "Ministry of Wealth"), None, None),
        (("12.5 - 13.5 kg", "13.5 - 12.5 kg"), "letters", "0.18"),
        (("ab12 c3", "bc3 a12"), None, None),
        (("ab1234", "34ab12"), "letters", "0.33"),
        ((SENTENCE, "Доброе утро, мой друг"), "letters", "0.00"),
        (("very very very good", "ọ dị ezigbo mma"), "repetition", "very"),
        (("very very good", "ọ dị mma mma"), None, None),
        ((SENTENCE, "hahahahahahaha enyi m"), "repetition", "haha"),
        ((LEFT_100, LEFT_100.replace("rain", "snow")), "language", "ig: en"),
        ((RIGHT_100, LEFT_100), "language", "en: ig, ig: en"),
        ((LEFT_100, RIGHT_100), None, None),
    ],
)
def test_a_pair_meets_the_first_rule_that_hits_it(tmp_path: Path, pair: Pair, rule: str | None, value: Any) -> None:
    options = {"off": ("repetition",)} if pair[0] in ("a" * 20, "x" * 19) else {}
    shard = prepared(tmp_path, [pair], **options)
    assert (shard.rules.get(0), shard.values.get(0)) == (rule, value)
    assert len(shard.kept) == (rule is None)


def test_reader_flaws_go_before_all_rules(tmp_path: Path) -> None:
    flaws = {0: ("malformed", "5 columns instead of 6"), 1: ("too-long", "20000000 bytes")}
    shard = prepared(tmp_path, [("", ""), (SENTENCE, GREETING), (SENTENCE, GREETING)], flaws=flaws)
    assert shard.rules == {0: "malformed", 1: "too-long"}
    assert shard.values == {0: "5 columns instead of 6", 1: "20000000 bytes"}


@pytest.mark.parametrize("rule", ["too-short", "ratio", "identical", "letters", "repetition"])
def test_a_rule_that_is_off_is_not_asked(tmp_path: Path, rule: str) -> None:
    pairs: dict[str, Pair] = {
        "too-short": ("ab", "ba"),
        "ratio": ("abcdefghij klmnopqrst", "bcdefghi"),
        "identical": ("Ministry", "ministry"),
        "letters": ("123456", "234567"),
        "repetition": ("very very very good", "ọ dị ezigbo mma"),
    }
    assert prepared(tmp_path / "on", [pairs[rule]]).rules == {0: rule}
    assert prepared(tmp_path / "off", [pairs[rule]], off=(rule,)).rules == {}


def test_letters_are_those_of_each_sides_own_scripts(tmp_path: Path) -> None:
    pairs = [("Good morning, everyone", "शुभ प्रभात, सबको नमस्ते"), ("Good morning, everyone", "Guten Morgen, alle")]
    assert prepared(tmp_path, pairs, ("en", "hi")).rules == {1: "letters"}


def test_short_texts_are_not_identified(tmp_path: Path) -> None:
    shard = prepared(tmp_path, [("Where is the house?", "Where is that home?")])
    assert shard.rules == {}
    assert shard.report.identified == {"en": {}, "ig": {}}


def test_swapped_sides_are_counted(tmp_path: Path) -> None:
    shard = prepared(tmp_path, [(RIGHT_100, LEFT_100), (LEFT_100, RIGHT_100), (LEFT_100, LEFT_100 + " so")])
    assert shard.report.swapped == 1
    assert shard.report.identified == {"en": {"en": 2, "ig": 1}, "ig": {"en": 2, "ig": 1}}


def test_every_rule_has_a_reason_that_names_its_limit() -> None:
    assert tuple(RULES_BY_NAME) == LOCAL_RULES
    options = PrepareOptions(max_characters=777, max_ratio=9)
    assert "777" in RULES_BY_NAME["too-long"].reason(options)
    assert "9 times" in RULES_BY_NAME["ratio"].reason(options)
    assert all(rule.reason(PrepareOptions()) for rule in RULES_BY_NAME.values())
