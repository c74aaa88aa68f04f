"""False rejections on human translations: no rule costs more than was measured when its limit was chosen."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest

from steps.languages import language
from steps.prepare.options import ALWAYS_ON, LOCAL_RULES, PrepareOptions
from steps.prepare.shard import build_benchmark
from steps.prepare.shard.mojibake import repair_mojibake
from tests.unit.prepare.shard.cuts import Pair, Shard, prepared

REPOSITORY = Path(__file__).parents[4]
DATA = Path(os.environ.get("ASUSU_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
IGBO, SWAHILI = DATA / "sample.en-ig.tsv", DATA / "tico19.en-sw.tsv"

pytestmark = pytest.mark.skipif(not IGBO.is_file(), reason="the shared sample corpora are not on this machine")


def read(path: Path, source: str) -> list[tuple[str, str]]:
    """Pairs of one of the sample's sources."""
    lines = [line.split("\t") for line in path.read_text(encoding="utf-8").split("\n")[1:] if line]
    return [(line[4], line[5]) for line in lines if line[1] == source]


def shares(shard: Shard) -> dict[str, float]:
    """Percent of all rows that each rule dropped."""
    return {rule: 100 * count / shard.report.rows_in for rule, count in Counter(shard.rules.values()).items()}


@pytest.mark.parametrize(
    ("path", "source", "codes", "most"),
    [
        (IGBO, "afriqa", ("en", "ig"), {"ratio": 0.1, "language": 1.5, "letters": 0.05, "repetition": 0.4}),
        (IGBO, "nollysenti", ("en", "ig"), {"ratio": 0.9, "language": 0.2, "letters": 0.1, "identical": 0.1,
                                            "repetition": 0.4, "too-long": 1.0}),
        (IGBO, "tico19-terms", ("en", "ig"), {"ratio": 0.8, "language": 0.6, "letters": 1.0, "identical": 10.5,
                                              "too-short": 1.0}),
        (SWAHILI, "tico19", ("en", "sw"), {"ratio": 0.2, "language": 0.25, "letters": 0.1, "identical": 0.1,
                                           "repetition": 0.1, "too-long": 0.1}),
    ],
)  # fmt: skip
def test_good_pairs_are_kept(
    tmp_path: Path, path: Path, source: str, codes: tuple[str, str], most: dict[str, float]
) -> None:
    found = shares(prepared(tmp_path, read(path, source), codes))
    assert {rule: share for rule, share in found.items() if share > most.get(rule, 0)} == {}


@pytest.mark.parametrize(("path", "source"), [(IGBO, "afriqa"), (IGBO, "nollysenti"), (SWAHILI, "tico19")])
def test_no_clean_line_is_taken_for_mojibake(path: Path, source: str) -> None:
    assert [text for pair in read(path, source) for text in pair if repair_mojibake(text) != text] == []


@pytest.mark.parametrize(("encoding", "least"), [("latin-1", 0.99), ("macroman", 0.9)])
def test_real_igbo_that_was_decoded_wrongly_is_restored(encoding: str, least: float) -> None:
    texts = [right for _, right in read(IGBO, "afriqa") if any(letter in right for letter in "ịọụṅ")]
    restored = [repair_mojibake(text.encode().decode(encoding)) == text for text in texts]
    assert len(restored) > 500
    assert sum(restored) / len(restored) >= least


def test_real_questions_are_found_verbatim_and_embedded_and_unrelated_text_is_not(tmp_path: Path) -> None:
    questions, reviews = read(IGBO, "afriqa"), read(IGBO, "nollysenti")
    columns = [pa.array([pair[side].encode() for pair in questions], pa.large_binary()) for side in (0, 1)]
    codes = language("en"), language("ig")
    held = build_benchmark("held", [pa.table(columns, names=["left", "right"])], codes, PrepareOptions())
    around = [(review[:60], review[-60:]) for pair in reviews for review in pair]
    embedded = [
        (f"{before} {question[0]} {after}", "zzz") if place % 2 else ("zzz", f"{before} {question[1]} {after}")
        for place, (question, (before, after)) in enumerate(zip(questions, around, strict=False))
    ]
    rest = tuple(rule for rule in LOCAL_RULES if rule not in (*ALWAYS_ON, "benchmark"))

    def share(name: str, pairs: Sequence[Pair]) -> float:
        return len(prepared(tmp_path / name, pairs, benchmarks=[held], near_copies=False, off=rest).rules) / len(pairs)

    assert share("left", [(left, "zzz") for left, _ in questions]) >= 0.98
    assert share("right", [("zzz", right) for _, right in questions]) >= 0.98
    assert share("embedded", embedded) >= 0.85
    assert share("unrelated", reviews) == 0
