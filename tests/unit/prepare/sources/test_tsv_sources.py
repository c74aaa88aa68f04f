"""TSV: columns by name, quotes mean nothing, rows with other numbers of columns are marked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steps.job import Refused
from steps.prepare.sources import streams
from steps.prepare.sources.lines import KEPT_BYTES, MAX_LINE_BYTES
from steps.prepare.sources.reading import read_pairs

Read = Callable[..., list[Any]]
SAMPLE = Path(__file__).parents[5] / "shared" / "data" / "sample.en-ig.tsv"


def test_columns_are_found_by_language_code_and_quotes_mean_nothing(read: Read) -> None:
    content = 'id\tig\tnote\ten\n1\t"Ụtụtụ ọma\tx\tGood "morning\n2\tNdo\ty\tSorry"\n'.encode()
    assert [row[:2] for row in read(content)] == [
        (b'Good "morning', '"Ụtụtụ ọma'.encode()),
        (b'Sorry"', b"Ndo"),
    ]
    assert [row[:2] for row in read(content, languages=("ig", "en"))][1] == (b"Ndo", b'Sorry"')


def test_windows_line_ends_and_a_missing_last_newline_change_no_row(read: Read) -> None:
    assert [row[:2] for row in read(b"en\tig\r\none\totu\r\ntwo\tabuo")] == [(b"one", b"otu\r"), (b"two", b"abuo")]


def test_a_row_with_other_columns_is_marked_and_keeps_what_it_has(read: Read) -> None:
    assert read(b"en\tig\tnote\none\n\none\totu\tx\textra\none\totu\tx\n") == [
        (b"one", b"", "malformed", "1 column instead of 3"),
        (b"", b"", "malformed", "1 column instead of 3"),
        (b"one", b"otu", "malformed", "4 columns instead of 3"),
        (b"one", b"otu", None, None),
    ]


def test_a_line_over_the_limit_is_marked_with_its_size(read: Read) -> None:
    long = b"x" * 20_000_000
    found = read(b"en\tig\none\totu\n" + long + b"\tabuo\nthree\tato\n")
    assert found[0] == (b"one", b"otu", None, None)
    assert found[1] == (b"x" * KEPT_BYTES, b"", "too-long", str(len(long) + 5))
    assert found[2] == (b"three", b"ato", None, None)
    assert len(long) > MAX_LINE_BYTES


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"en\tig\n", r"a\.tsv has a header and no pair below it"),
        (b"en\tig", r"a\.tsv has a header and no pair below it"),
        (b"en\tfr\nx\ty\n", r"ig is not there once\. Columns found: en, fr"),
        (b"en\tig\tig\nx\ty\tz\n", r"ig is not there once\. Columns found: en, ig, ig\. Add a header line such as"),
        (b"\n\n\n", "en and ig is not there once"),
    ],
)
def test_a_header_that_does_not_help_is_refused(read: Read, content: bytes, message: str) -> None:
    with pytest.raises(Refused, match=message):
        read(content)


def test_a_message_shows_no_more_of_a_header_than_helps(read: Read) -> None:
    with pytest.raises(Refused) as caught:
        read(b"x" * 100_000 + b"\ty" * 50_000 + b"\none\totu\n")
    assert len(str(caught.value)) < 1000
    assert "and 49981 more" in str(caught.value)


cell = st.text(st.characters(exclude_characters="\t\n", codec="utf-8"), max_size=6)
tsv_lines = st.lists(st.lists(cell, min_size=1, max_size=5), min_size=1, max_size=12)


@settings(deadline=None)
@given(tsv_lines, st.integers(1, 40), st.booleans())
def test_cells_are_those_of_a_plain_split_for_any_text_and_blocks(
    tmp_path_factory: pytest.TempPathFactory, given: list[list[str]], block: int, ended: bool
) -> None:
    body = "\n".join("\t".join(line) for line in given)
    path = tmp_path_factory.mktemp("tsv") / "a.tsv"
    path.write_bytes(("id\tig\ten\n" + body + ("\n" if ended or not given[-1][-1] else "")).encode())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams, "BLOCK_BYTES", block)
        tables = list(read_pairs("tsv", [path], ("en", "ig"), ("en", "ig")))
    texts = [
        pair for table in tables for pair in zip(*(table[side].to_pylist() for side in ("left", "right")), strict=True)
    ]
    flaws = [flaw for table in tables for flaw in table["flaw"].to_pylist()]
    padded = [[cell.encode() for cell in line] + [b"", b"", b""] for line in given]
    assert texts == [(line[2], line[1]) for line in padded]
    assert [flaw is None for flaw in flaws] == [len(line) == 3 for line in given]


@pytest.mark.skipif(not SAMPLE.exists(), reason="the real sample is not at hand")
def test_the_real_sample_is_read_whole_with_its_quotes(rows: Callable[..., list[Any]]) -> None:
    found = rows(read_pairs("tsv", [SAMPLE], ("en", "ig"), ("en", "ig")))
    expected = [line.split(b"\t") for line in SAMPLE.read_bytes().removesuffix(b"\n").split(b"\n")[1:]]
    assert [row[:2] for row in found] == [(cells[4], cells[5]) for cells in expected]
    assert sum(b'"' in left + right for left, right, _, _ in found) > 10
    assert {row[2] for row in found} == {None}
