"""JSON Lines: texts under the language codes or in `translation`; what is no such object is marked."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steps.job import Refused
from steps.prepare.sources import streams
from steps.prepare.sources.reading import read_pairs

Read = Callable[..., list[Any]]
GOOD = b'{"en": "one", "ig": "otu"}'


def test_texts_are_found_under_the_language_codes_or_in_translation(read: Read) -> None:
    nested = '{"id": 7, "translation": {"ig": "abụọ", "en": "two\\nlines \\u2028"}}'.encode()
    assert read(GOOD + b"\r\n" + nested, kind="jsonl") == [
        (b"one", b"otu", None, None),
        ("two\nlines \u2028".encode(), "abụọ".encode(), None, None),
    ]


@pytest.mark.parametrize(
    ("line", "left", "right", "value"),
    [
        (b"", b"", b"", "a blank line"),
        (b"  \r", b"", b"", "a blank line"),
        (b"[1, 2]", b"", b"", "a list instead of an object"),
        (b'"en"', b"", b"", "a string instead of an object"),
        (b"null", b"", b"", "null instead of an object"),
        (b"17", b"", b"", "a number instead of an object"),
        (b'{"en": "x"}', b"x", b"", "no key ig"),
        (b'{"fr": "x"}', b"", b"", "no key en"),
        (b'{"en": "x", "ig": null}', b"x", b"", "ig is null"),
        (b'{"en": 3, "ig": "y"}', b"", b"y", "en is a number"),
        (b'{"en": ["x"], "ig": "y"}', b"", b"y", "en is a list"),
        (b'{"translation": {"en": "x"}, "ig": "y"}', b"x", b"", "no key ig"),
    ],
)
def test_a_line_that_is_not_as_it_should_be_is_marked(
    read: Read, line: bytes, left: bytes, right: bytes, value: str
) -> None:
    assert read(line + b"\n" + GOOD + b"\n", kind="jsonl") == [
        (left, right, "malformed", value),
        (b"one", b"otu", None, None),
    ]


@pytest.mark.parametrize("line", [b'{"en": "x"', b"one\totu", b'{"en": "a\0b", "ig": ""}', b"[" * 100_000])
def test_a_line_that_is_no_json_is_marked(read: Read, line: bytes) -> None:
    [bad, good] = read(line + b"\n" + GOOD, kind="jsonl")
    assert bad[:3] == (b"", b"", "malformed")
    assert bad[3].startswith("no JSON: ")
    assert good[2] is None


def test_bad_bytes_and_half_characters_pass_through_as_bytes_that_are_not_utf8(read: Read) -> None:
    [row, half] = read(b'{"en": "caf\xe9", "ig": "x"}\n{"en": "\\ud800", "ig": "a\\u0000b"}', kind="jsonl")
    assert row == (b"caf\xe9", b"x", None, None)
    assert half == (b"\xed\xa0\x80", b"a\0b", None, None)


def test_a_line_over_the_limit_is_marked_with_its_size(read: Read) -> None:
    long = b'{"en": "' + b"x" * 2_000_000 + b'", "ig": "y"}'
    [row, good] = read(long + b"\n" + GOOD, kind="jsonl")
    assert row == (b"", b"", "too-long", str(len(long)))
    assert good[2] is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b'{"english": "x", "igbo": "y"}\n{"en": "x"}',
            r"no row with texts in both .* first object: english, igbo\. Name",
        ),
        (b'{"translation": {"en": "x", "fr": "y"}}', r"first object: translation\.en, translation\.fr\. Name"),
        (b"en\tig\none\totu\n", r'a\.jsonl holds no JSON object\. Name the fields by language code: {"en"'),
    ],
)
def test_a_file_without_one_pair_is_refused_with_the_keys_it_has(read: Read, content: bytes, message: str) -> None:
    with pytest.raises(Refused, match=message):
        read(content, kind="jsonl")


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), min_size=1, max_size=8),
    st.integers(1, 60),
    st.booleans(),
)
def test_any_texts_come_back_for_any_size_of_blocks(
    tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[str, str]], block: int, ascii_only: bool
) -> None:
    path = tmp_path_factory.mktemp("jsonl") / "a.jsonl"
    text = "".join(json.dumps({"en": left, "ig": right}, ensure_ascii=ascii_only) + "\n" for left, right in pairs)
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams, "BLOCK_BYTES", block)
        tables = list(read_pairs("jsonl", [path], ("en", "ig"), ("en", "ig")))
    found = [tuple(row.values()) for table in tables for row in table.select(["left", "right"]).to_pylist()]
    assert found == [tuple(text.encode("utf-8", "surrogatepass") for text in pair) for pair in pairs]
