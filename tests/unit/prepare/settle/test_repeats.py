"""Exact duplicates and caps: the first rows stay, each rule sees what those before it left, each has a switch."""

from __future__ import annotations

from pathlib import Path

import pytest

from steps.prepare.options import GLOBAL_RULES, PrepareOptions
from steps.prepare.settle.rules import RULES_BY_NAME
from tests.unit.prepare.settle.building import Writer, settled

WRITER = Writer(1)
FILLER = [(WRITER.sentence(8), WRITER.sentence(8)) for _ in range(60)]


def fresh() -> str:
    return WRITER.sentence(9, 9)


def test_a_repeated_pair_goes_and_names_the_first(tmp_path: Path) -> None:
    pairs = [*FILLER, ("Good morning!", "Ụtụtụ ọma"), ("good  morning", "ụtụtụ, ọma"), ("GOOD MORNING", "Ụtụtụ ọma!")]
    outcome = settled(pairs, tmp_path)
    assert outcome.dropped("duplicate") == {61: "row 60", 62: "row 60"}
    assert outcome.settled.duplicate_clusters == {"2": 0, "3": 1, "4-9": 0, "10-99": 0, "100+": 0}


def test_clusters_are_counted_by_size(tmp_path: Path) -> None:
    sizes = {2: 3, 3: 1, 9: 1, 10: 1, 100: 1}
    pairs = [pair for size, times in sizes.items() for _ in range(times) for pair in [(fresh(), fresh())] * size]
    outcome = settled([*FILLER, *pairs], tmp_path)
    assert outcome.settled.duplicate_clusters == {"2": 3, "3": 1, "4-9": 1, "10-99": 1, "100+": 1}


@pytest.mark.parametrize(("rule", "side"), [("source-cap", 0), ("target-cap", 1)])
def test_a_sentence_keeps_its_first_rows(tmp_path: Path, rule: str, side: int) -> None:
    shared = [tuple(("the same", fresh())[:: -1 if side else 1]) for _ in range(5)]
    outcome = settled([*FILLER, *shared], tmp_path, near_copies=False)
    assert outcome.dropped(rule) == {63: "row 60", 64: "row 60"}
    assert outcome.dropped("target-cap" if rule == "source-cap" else "source-cap") == {}


def test_a_template_keeps_its_first_fifty(tmp_path: Path) -> None:
    outcome = settled([*FILLER, *((f"page {number}", fresh()) for number in range(53))], tmp_path, near_copies=False)
    assert list(outcome.dropped("template-cap")) == [110, 111, 112]


def test_a_cap_counts_only_rows_that_earlier_rules_left(tmp_path: Path) -> None:
    first = fresh()
    shared = [
        ("the same", first),
        ("The same", first),
        ("the same!", first),
        ("the same", fresh()),
        ("the same", fresh()),
    ]
    outcome = settled([*FILLER, *shared], tmp_path, near_copies=False)
    assert list(outcome.dropped("duplicate")) == [61, 62]
    assert outcome.dropped("source-cap") == {}


def test_a_rule_that_is_off_drops_nothing_and_clusters_are_still_counted(tmp_path: Path) -> None:
    pairs = [*FILLER, *[("twice", "ugboro abụọ")] * 2]
    outcome = settled(pairs, tmp_path, off=["duplicate"], near_copies=False)
    assert outcome.dropped("duplicate") == {}
    assert outcome.settled.duplicate_clusters["2"] == 1


def test_every_global_rule_has_a_reason() -> None:
    assert tuple(RULES_BY_NAME) == GLOBAL_RULES
    reasons = [rule.reason(PrepareOptions(max_targets_per_source=7, near=0.85)) for rule in RULES_BY_NAME.values()]
    assert len(set(reasons)) == len(reasons)
    assert "7 earlier rows" in RULES_BY_NAME["source-cap"].reason(PrepareOptions(max_targets_per_source=7))
    assert "85%" in RULES_BY_NAME["near-duplicate"].reason(PrepareOptions(near=0.85))
