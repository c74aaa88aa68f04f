"""Parquet: columns by language code or fields of `translation`, nulls as blanks."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steps.job import Refused
from steps.prepare.sources import parquet
from steps.prepare.sources.lines import KEPT_BYTES
from steps.prepare.sources.reading import read_pairs

Read = Callable[..., list[Any]]


def written(columns: dict[str, Any], **options: Any) -> bytes:
    """A Parquet file."""
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, **options)
    return sink.getvalue()


@pytest.mark.parametrize(
    "kind", [pa.string(), pa.large_string(), pa.binary(), pa.large_binary(), pa.dictionary(pa.int32(), pa.string())]
)
def test_columns_of_any_text_type_are_read_and_nulls_are_blank(read: Read, kind: pa.DataType) -> None:
    content = written(
        {"id": [1, 2, 3], "ig": pa.array(["otu", None, "ị"], kind), "en": pa.array(["a", "b", None], kind)}
    )
    assert read(content, kind="parquet") == [
        (b"a", b"otu", None, None),
        (b"b", b"", None, None),
        (b"", "ị".encode(), None, None),
    ]


def test_the_fields_of_translation_are_read(read: Read) -> None:
    struct = pa.array([{"en": "one", "ig": "otu", "fr": "un"}, None, {"en": "two", "ig": None}])
    assert [row[:2] for row in read(written({"translation": struct}), kind="parquet")] == [
        (b"one", b"otu"),
        (b"", b""),
        (b"two", b""),
    ]


def test_row_groups_and_batches_change_no_row(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [str(number) * (number % 7) for number in range(100)]
    columns = {"en": texts, "ig": texts[::-1]}
    expected = [(left.encode(), right.encode(), None, None) for left, right in zip(texts, texts[::-1], strict=True)]
    for size in (1, 3, 1000):
        monkeypatch.setattr(parquet, "BATCH_ROWS", size)
        for group in (1, 7, 1000):
            assert read(written(columns, row_group_size=group), kind="parquet") == expected


def test_a_text_over_the_limit_is_clipped_and_marked(read: Read) -> None:
    columns = {"en": ["one", "two", "x" * 2_000_000], "ig": ["otu", "ọ" * 700_000, "y"]}
    assert read(written(columns), kind="parquet") == [
        (b"one", b"otu", None, None),
        (b"two", ("ọ" * (KEPT_BYTES // 3)).encode(), "too-long", "2100000"),
        (b"x" * KEPT_BYTES, b"y", "too-long", "2000000"),
    ]


def test_bytes_that_are_not_utf8_pass_through(read: Read) -> None:
    content = written({"en": pa.array([b"caf\xe9"], pa.binary()), "ig": ["x"]})
    assert read(content, kind="parquet") == [(b"caf\xe9", b"x", None, None)]


WHOLE = written({"en": ["one"] * 50, "ig": [str(number) for number in range(50)]})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"a\.parquet is empty"),
        (b"en\tig\none\totu\n", r"a\.parquet is no Parquet file"),
        (gzip.compress(WHOLE), "is compressed as a whole"),
        (WHOLE[:-1], r"is cut off: it ends after [\d,]+ bytes without its footer"),
        (b"PAR1" + WHOLE[-8:], "is damaged"),
        (b"PAR1", "is damaged"),
        (written({"en": ["x"], "igbo": ["y"], "id": [1]}), r"no single column ig\. Columns found: en, igbo, id\. Name"),
        (
            written({"translation": pa.array([{"en": "x", "sw": "y"}])}),
            r"no single column translation\.ig\. Columns found: translation\.en, translation\.sw",
        ),
        (written({"en": [1], "ig": ["y"]}), r"holds no text in en \(int64\)"),
        (
            written({"en": pa.array([], pa.string()), "ig": pa.array([], pa.string())}),
            "has columns and no pair in them",
        ),
    ],
)
def test_files_that_help_nobody_are_refused(read: Read, content: bytes, message: str) -> None:
    with pytest.raises(Refused, match=message):
        read(content, kind="parquet")


@settings(deadline=None)
@given(st.integers(4, len(WHOLE) - 5), st.integers(1, 255))
def test_a_changed_byte_gives_rows_or_one_clear_refusal(
    tmp_path_factory: pytest.TempPathFactory, place: int, change: int
) -> None:
    content = bytearray(WHOLE)
    content[place] ^= change
    path = tmp_path_factory.mktemp("parquet") / "a.parquet"
    path.write_bytes(bytes(content))
    try:
        list(read_pairs("parquet", [path], ("en", "ig"), ("en", "ig")))
    except Refused as error:
        assert "a.parquet" in str(error)
