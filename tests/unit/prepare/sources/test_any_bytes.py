"""Whatever bytes a source holds: rows that are accounted for, or one refusal that names the file. Never another error."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steps.job import Refused
from steps.prepare.sources import Unreadable, take_census
from steps.prepare.sources.reading import read_pairs

TMX = (
    b'<?xml version="1.0"?><tmx version="1.4"><body><tu><tuv xml:lang="en"><seg>a &lt; <bpt>b</bpt></seg></tuv>'
    b'<tuv lang="ig"><seg>c</seg></tuv></tu></body></tmx>'
)
JSON = b'{"en": "a\\u00e9", "ig": "b"}\n{"translation": {"en": "c", "ig": null}}\n'
STARTS = [b"", b"en\tig\n", b"\x1f\x8b\x08\x00", b"\x28\xb5\x2f\xfd", b"PAR1", b"\xef\xbb\xbf", b"<tmx>", b'{"en":']

any_bytes = st.tuples(st.sampled_from(STARTS), st.binary(max_size=200)).map(b"".join)


@st.composite
def changed(draw: st.DrawFn, whole: bytes) -> bytes:
    """A file with a stretch of it replaced by any bytes."""
    start = draw(st.integers(0, len(whole)))
    stop = draw(st.integers(start, min(len(whole), start + 8)))
    return whole[:start] + draw(st.binary(max_size=8)) + whole[stop:]


def count(path: Path, kind: str) -> int | None:
    """Rows of a source; None where it is refused."""
    try:
        tables = list(read_pairs(kind, [path], ("en", "ig"), ("en", "ig")))
    except Refused as error:
        assert path.name in str(error)
        assert str(error).endswith(".")
        return None
    assert all(text is not None for table in tables for side in ("left", "right") for text in table[side].to_pylist())
    return sum(map(len, tables))


@pytest.mark.parametrize("kind", ["tsv", "jsonl", "tmx", "parquet"])
@settings(deadline=None)
@given(content=any_bytes)
def test_any_bytes_in_any_format(tmp_path_factory: pytest.TempPathFactory, kind: str, content: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / f"a.{kind}"
    path.write_bytes(content)
    rows = count(path, kind)
    if rows is not None and kind in ("tsv", "jsonl") and not content.startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd")):
        plain = content.removeprefix(b"\xef\xbb\xbf")
        assert rows == plain.count(b"\n") + (not plain.endswith(b"\n")) - (kind == "tsv")


@settings(deadline=None)
@given(content=changed(JSON))
def test_a_changed_jsonl_file_keeps_its_number_of_lines(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("any") / "a.jsonl"
    path.write_bytes(content)
    rows = count(path, "jsonl")
    assert rows is None or rows == content.count(b"\n") + (not content.endswith(b"\n"))


@settings(deadline=None)
@given(content=changed(TMX))
def test_a_changed_tmx_file_gives_its_unit_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("any") / "a.tmx"
    path.write_bytes(content)
    assert count(path, "tmx") in (None, 1)


@pytest.mark.parametrize("suffix", ["gz", "zst"])
@settings(deadline=None)
@given(data=st.data())
def test_a_changed_compressed_file_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, suffix: str, data: st.DataObject
) -> None:
    import gzip

    import zstandard

    compress: Callable[[bytes], bytes] = {"gz": gzip.compress, "zst": zstandard.ZstdCompressor().compress}[suffix]
    content = data.draw(changed(compress(b"en\tig\n" + b"one two\totu abuo\n" * 30)))
    path = tmp_path_factory.mktemp("any") / "a.tsv"
    path.write_bytes(content)
    count(path, "tsv")


@settings(deadline=None)
@given(st.lists(st.tuples(st.binary(max_size=20), st.binary(max_size=20)), min_size=1, max_size=12))
def test_words_are_counted_as_split_counts_them(
    tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[bytes, bytes]]
) -> None:
    folder = tmp_path_factory.mktemp("words")
    sides: list[Any] = [
        [side.replace(b"\n", b" ").replace(b"\0", b"") for side in column] for column in zip(*pairs, strict=True)
    ]
    paths = [folder / "a.en", folder / "a.ig"]
    for path, texts in zip(paths, sides, strict=True):
        path.write_bytes(b"start\n" + b"".join(text + b"\n" for text in texts))
    census = take_census("moses", paths, ("en", "ig"), ("en", "ig"))
    assert census.pairs == len(pairs) + 1
    assert census.words == tuple(1 + sum(len(text.split()) for text in texts) for texts in sides)


def test_a_refusal_survives_the_way_out_of_a_worker_process() -> None:
    error = Unreadable(Path("data/a.tsv"), "is empty", "give another")
    again = copy.copy(error)  # as pickling does
    assert str(again) == str(error) == "a.tsv is empty. Give another."
    assert (again.path, again.remedy) == (error.path, error.remedy)
