"""Loops are found by comparing windows of all rows at once, and none is missed."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.prepare.characters import join
from steps.prepare.shard.repetition import LARGEST, loop, may_loop

chunks = st.text(alphabet="abc ọ", min_size=1, max_size=60).map(lambda text: " ".join(text.split()) or "abc")
looped = st.builds(
    lambda before, chunk, between, times, after: f"{before}{between.join([chunk] * times)}{after}",
    st.text(alphabet="abcd ọ", max_size=200),
    chunks,
    st.sampled_from(["", " "]),
    st.integers(1, 4),
    st.text(alphabet="abcd ọ", max_size=40),
)


@given(st.lists(looped, min_size=1, max_size=6))
def test_windows_find_exactly_the_loops_that_a_search_of_every_text_finds(rows: list[str]) -> None:
    found = may_loop(join(pa.array(rows, pa.large_string())))
    for place, text in enumerate(rows):
        assert loop(text, found.get(place, [])) == loop(text), text


@pytest.mark.parametrize(
    ("text", "chunk"),
    [
        ("iche iche ka ha dị", None),
        ("the the the", "the"),
        ("no no no", None),
        ("no no no more", None),
        ("well no no no no", "o n"),
        ("wait.........", "..."),
        ("ọọọọọọọọọ", "ọọọ"),
        ("ọọọọọọ", None),
        ("a b c d " * 3, "a b c d"),
        ("x" + "y" * (LARGEST - 1) + ("x" + "y" * (LARGEST - 1)) * 2, "yyy"),
    ],
)
def test_a_loop_is_three_copies_of_three_characters_or_more(text: str, chunk: str | None) -> None:
    assert loop(text.strip()) == chunk


def test_equal_neighbours_are_no_loop() -> None:
    assert may_loop(join(pa.array(["the same line of text"] * 5, pa.large_string()))) == {}


@pytest.mark.parametrize("length", [4, 9, 31, 64, 100, LARGEST - 1])
def test_long_chunks_are_found_at_any_place(length: int) -> None:
    chunk = "".join(chr(ord("a") + (place * place + place // 7) % 26) for place in range(length))
    rows = [f"{'z1x2'[: place % 4]}{' ' * (place // 4)}{chunk} {chunk} {chunk}" for place in range(20)]
    found = may_loop(join(pa.array(rows, pa.large_string())))
    assert all(loop(row, found[place]) == loop(row) is not None for place, row in enumerate(rows))


def test_lines_that_match_themselves_everywhere_take_bounded_memory() -> None:
    rows = ["." * 900] * 40 + ["a fine line"]
    found = may_loop(join(pa.array(rows, pa.large_string())))
    assert sorted(found) == list(range(40))
    assert loop(rows[0], found[0]) == "..."
