"""Near-duplicates: verified, found nearly all, judged in row order, and never quadratic."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from steps.prepare.settle.copies import pack, superfluous
from tests.unit.prepare.settle.building import Writer, bigrams, near, settled

WIDE = [f"{first}{middle}{last}" for first in "bkdgm" for middle in "aeiou" for last in ("ra", "ne", "ti", "so")]
EN = "one two three four five six seven eight nine ten eleven"  # 10 bigrams
IG = "otu abụọ atọ anọ ise isii asaa asatọ itoolu iri iri na otu"  # 12 bigrams


def test_planted_near_duplicates_go_and_nothing_else(tmp_path: Path) -> None:
    writer = Writer(3, WIDE)
    pairs = [(writer.sentence(14, 20), writer.sentence(14, 20)) for _ in range(600)]
    planted = [(f"{left} {writer.sentence(1, 1)}", f"{writer.sentence(1, 1)} {right}") for left, right in pairs[:300]]
    outcome = settled([*pairs, *planted], tmp_path)
    dropped = outcome.dropped("near-duplicate")
    assert len(dropped) >= 0.95 * len(planted)
    assert all(value == f"row {row - 600}" for row, value in dropped.items())


def test_a_pair_near_on_one_side_only_stays(tmp_path: Path) -> None:
    writer = Writer(4, WIDE)
    pairs = [(writer.sentence(14, 20), writer.sentence(14, 20)) for _ in range(100)]
    pairs += [(f"{left} more", writer.sentence(14, 20)) for left, _ in pairs[:20]]
    assert settled(pairs, tmp_path).dropped("near-duplicate") == {}


def test_both_sides_count_together_and_exactly_at_the_threshold(tmp_path: Path) -> None:
    writer = Writer(5, WIDE)
    filler = [(writer.sentence(8, 12), writer.sentence(8, 12)) for _ in range(60)]
    # Left 10 of 10, right 10 of 15: 20 of 25 together; one more word makes 20 of 26
    right = " ".join(f"r{number}" for number in range(11))
    at, under = (f"{right} {' '.join(f's{number}' for number in range(extra))}" for extra in (5, 6))
    options = {"held_out_percent": 10}
    assert settled([*filler, (EN, right), (EN, at)], tmp_path / "at", **options).dropped("near-duplicate") == {
        61: "row 60"
    }
    assert settled([*filler, (EN, right), (EN, under)], tmp_path / "under", **options).dropped("near-duplicate") == {}


def test_a_row_near_only_to_a_dropped_row_stays() -> None:
    edges = pack(np.array([2, 5, 6, 6], np.uint32), np.array([1, 2, 2, 5], np.uint32))
    rows, because = superfluous(edges, 8)  # 2 is near 1; 5 is near 2; 6 is near 2 and 5
    assert (rows.tolist(), because.tolist()) == ([2, 6], [1, 5])


def test_a_template_costs_comparisons_in_proportion_to_its_sentences(tmp_path: Path) -> None:
    writer = Writer(6, WIDE)

    def compared(sentences: int) -> int:
        head, tail = "the price of rice in the old market", "is given in naira and kobo for each single bag today"
        pairs = [(f"{head} {writer.sentence(2, 2)} {number} {tail}", writer.sentence(9)) for number in range(sentences)]
        sets = [bigrams(left) for left, _ in pairs[:2]]
        assert not near(*sets)
        assert 3 * len(sets[0] & sets[1]) >= 2 * len(sets[0] | sets[1]) - 2  # about 0.65 alike, so they share bands
        pairs += [(writer.sentence(9), writer.sentence(9)) for _ in range(60)]
        return settled(pairs, tmp_path / str(sentences), max_pairs_per_template=10**6).settled.compared

    few, many = compared(1000), compared(5000)
    assert few > 1000
    assert many < 8 * few  # not 25 times
    assert many < 5000 * 4 * 14
