"""Moses pairs: line i with line i, whatever stands in the lines; unequal counts are refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steps.job import Refused
from steps.prepare.sources import streams
from steps.prepare.sources.lines import KEPT_BYTES
from steps.prepare.sources.reading import read_pairs

Read = Callable[..., list[Any]]


def test_lines_are_paired_by_place_and_a_blank_line_keeps_its_place(read: Read) -> None:
    found = read((b"one\n\nthree\nfour\n", b"otu\nabuo\n\nano\n"))
    assert [row[:2] for row in found] == [(b"one", b"otu"), (b"", b"abuo"), (b"three", b""), (b"four", b"ano")]
    assert {row[2:] for row in found} == {(None, None)}


def test_left_is_the_source_language_whatever_the_order_of_the_files(read: Read) -> None:
    assert read((b"otu\n", b"one\n"), file_languages=("ig", "en")) == [(b"one", b"otu", None, None)]


@pytest.mark.parametrize("sign", ["\r", "\u2028", "\x85", "\x0b", "\x0c", "\x00"])
def test_signs_that_other_readers_break_lines_at_shift_no_pair(read: Read, sign: str) -> None:
    found = read((f"on{sign}e\ntwo\n".encode(), f"otu\nabu{sign}o\n".encode()))
    assert [row[:2] for row in found] == [(f"on{sign}e".encode(), b"otu"), (b"two", f"abu{sign}o".encode())]


def test_windows_line_ends_on_one_side_and_no_last_newline_are_fine(read: Read) -> None:
    assert [row[:2] for row in read((b"one\r\ntwo\r\n", b"otu\nabuo"))] == [(b"one\r", b"otu"), (b"two\r", b"abuo")]


def test_a_line_over_the_limit_on_one_side_is_marked_and_shifts_nothing(read: Read) -> None:
    found = read((b"one\n" + b"x" * 20_000_000 + b"\nthree\n", b"otu\nabuo\nato\n"))
    assert found == [
        (b"one", b"otu", None, None),
        (b"x" * KEPT_BYTES, b"abuo", "too-long", "20000000"),
        (b"three", b"ato", None, None),
    ]


@settings(deadline=None)
@given(st.binary(), st.binary(), st.integers(1, 20))
def test_any_bytes_are_rows_that_add_up_or_one_clear_refusal(
    tmp_path_factory: pytest.TempPathFactory, left: bytes, right: bytes, block: int
) -> None:
    folder = tmp_path_factory.mktemp("moses")
    paths = [folder / "a.en", folder / "a.ig"]
    for path, content in zip(paths, (left, right), strict=True):
        path.write_bytes(content)
    expected = [content.removeprefix(b"\xef\xbb\xbf").removesuffix(b"\n").split(b"\n") for content in (left, right)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams, "BLOCK_BYTES", block)
        try:
            tables = list(read_pairs("moses", paths, ("en", "ig"), ("en", "ig")))
        except Refused as error:
            assert "a.en" in str(error) or "a.ig" in str(error)
            return
    found = [[text for table in tables for text in table[side].to_pylist()] for side in ("left", "right")]
    assert found == expected
