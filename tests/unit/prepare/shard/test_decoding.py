"""Bytes become text; what is no UTF-8 is marked and nothing else changes."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from steps.prepare.shard import decoding
from steps.prepare.shard.decoding import decode

rows = st.lists(st.one_of(st.none(), st.binary(max_size=12), st.text(max_size=12).map(lambda text: text.encode())))


@given(rows, st.integers(0, 3))
def test_every_row_is_decoded_as_python_does_with_marks_for_bad_bytes(raw: list[bytes | None], first: int) -> None:
    found = decode(pa.array(raw, pa.large_binary()).slice(first))
    assert found.to_pylist() == [(item or b"").decode("utf-8", errors="replace") for item in raw[first:]]
    assert found.type == pa.large_string()


def test_a_bad_row_is_found_in_a_long_batch() -> None:
    raw = [b"good"] * (3 * decoding.ROWS_AT_ONCE)
    raw[100] = b"b\xc3\x28d"
    found = decode(pa.array(raw, pa.large_binary())).to_pylist()
    assert [place for place, text in enumerate(found) if text != "good"] == [100]
    assert found[100] == "b\ufffd(d"


def test_surrogates_and_overlong_forms_are_no_utf8() -> None:
    raw = [b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80"]
    assert all("\ufffd" in text for text in decode(pa.array(raw, pa.large_binary())).to_pylist())
