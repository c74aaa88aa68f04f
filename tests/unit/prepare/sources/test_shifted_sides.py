"""Moses files of unequal length: both counts are named, and the place where the sides begin to be shifted."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from steps.job import Refused
from steps.prepare.sources.shift import first_shift

Read = Callable[..., list[Any]]
SHARED = Path(__file__).parents[5] / "shared" / "data"
NEAR = 20  # lines


def made_pairs(count: int, seed: int = 3) -> list[tuple[str, str]]:
    """Pairs with the lengths of real text: log-normal, translations 0.25 apart on the logarithm's scale."""
    chance = random.Random(seed)
    sizes = [max(4, min(900, round(chance.lognormvariate(4.4, 0.6)))) for _ in range(count)]
    return [("x" * size, "y" * max(2, round(size * chance.lognormvariate(0.05, 0.25)))) for size in sizes]


def sample_pairs(name: str, codes: tuple[str, str], count: int) -> list[tuple[str, str]]:
    """Pairs drawn from a real file; skips the test where it is not at hand."""
    path = SHARED / name
    if not path.exists():
        pytest.skip("the real sample is not at hand")
    lines = [line.split("\t") for line in path.read_text(encoding="utf-8").removesuffix("\n").split("\n")]
    left, right = (lines[0].index(code) for code in codes)
    chance = random.Random(11)
    drawn = (chance.choice(lines[1:]) for _ in range(count))
    return [(cells[left], cells[right]) for cells in drawn]


def refusal(read: Read, left: list[str], right: list[str]) -> str:
    """What reading such sides is refused with."""
    with pytest.raises(Refused) as caught:
        read(("".join(f"{line}\n" for line in left).encode(), "".join(f"{line}\n" for line in right).encode()))
    return str(caught.value)


def shifted_from(message: str) -> int:
    """The line that a message names."""
    found = re.search(r"shifted from about line ([\d,]+) on", message)
    assert found, message
    return int(found.group(1).replace(",", ""))


@pytest.mark.parametrize("side", [0, 1])
@pytest.mark.parametrize("corpus", ["made", "sample.en-ig.tsv", "tico19.en-sw.tsv"])
def test_a_line_that_is_missing_is_found_within_a_few_lines(read: Read, corpus: str, side: int) -> None:
    codes = ("en", corpus[-6:-4])
    pairs = made_pairs(5000) if corpus == "made" else sample_pairs(corpus, codes, 5000)
    sides = [left for left, _ in pairs], [right for _, right in pairs]
    del sides[side][1233]
    message = refusal(read, *sides)
    counts = len(sides[0]), len(sides[1])
    assert f"a.en has {counts[0]:,} lines and a.ig has {counts[1]:,}" in message
    assert abs(shifted_from(message) - 1234) <= NEAR
    assert f"where a.{('en', 'ig')[side]} seems to lack 1 line" in message


@pytest.mark.parametrize("place", [0, 5, 2500, 4900])
@pytest.mark.parametrize("missing", [1, 3, 40])
def test_missing_lines_are_found_anywhere_and_in_any_number(read: Read, place: int, missing: int) -> None:
    pairs = made_pairs(5000)
    right = [text for _, text in pairs]
    del right[place : place + missing]
    message = refusal(read, [text for text, _ in pairs], right)
    assert abs(shifted_from(message) - (place + 1)) <= NEAR
    assert f"a.ig seems to lack {missing} line" in message


def test_the_first_of_several_shifts_is_named(read: Read) -> None:
    pairs = made_pairs(6000)
    left, right = [text for text, _ in pairs], [text for _, text in pairs]
    del right[4000:4002]
    del left[2000]
    message = refusal(read, left, right)
    assert abs(shifted_from(message) - 2001) <= NEAR
    assert "where a.en seems to lack 1 line" in message


def test_blank_lines_and_loose_translations_are_no_shift(read: Read) -> None:
    chance = random.Random(5)
    pairs = [
        (left, "" if chance.random() < 0.05 else "y" * chance.randint(1, 400) if chance.random() < 0.05 else right)
        for left, right in made_pairs(20_000)
    ]
    left, right = [text for text, _ in pairs], [text for _, text in pairs]
    assert "No line before the end looks shifted" in refusal(read, [*left, "and one more"], right)
    del right[12_000]
    assert abs(shifted_from(refusal(read, left, right)) - 12_001) <= NEAR


@pytest.mark.parametrize(
    ("extra", "said"), [(1, "one extra blank line at the end"), (3, "3 extra blank lines at the end")]
)
@pytest.mark.parametrize("blank", ["", "\r"])
def test_extra_blank_lines_at_the_end_are_a_hint(read: Read, extra: int, said: str, blank: str) -> None:
    pairs = made_pairs(50)
    message = refusal(read, [left for left, _ in pairs], [right for _, right in pairs] + [blank] * extra)
    assert f"a.ig has {said}" in message
    assert f"has 50 lines and a.ig has {50 + extra}" in message


def test_short_files_are_refused_with_both_counts(read: Read) -> None:
    assert "a.en has 2 lines and a.ig has 1: line i of one must translate" in refusal(read, ["a", "b"], ["c"])
    assert "a.en has 1 line and a.ig has 2" in refusal(read, ["a"], ["c", "d"])


def test_lines_of_one_length_say_nothing_and_nothing_is_claimed(read: Read) -> None:
    assert "No line before the end looks shifted by its length" in refusal(read, ["abc"] * 500, ["abc"] * 499)


def test_a_shift_far_into_a_large_file_is_found() -> None:
    chance = np.random.default_rng(3)
    left = chance.lognormal(4.4, 0.6, 1_000_000).round().astype(np.float32)
    right = (left * chance.lognormal(0.05, 0.25, len(left))).round().astype(np.float32)
    assert first_shift(left[:-1], right) is None
    found = first_shift(left, np.delete(right, 700_000))
    assert found is not None
    assert abs(found[0] - 700_001) <= NEAR
    assert found[1] == 1
