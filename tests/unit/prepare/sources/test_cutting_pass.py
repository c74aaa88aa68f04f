"""Cutting: shards of one source each, within their limits, the same rows for any limits, nothing half-written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steps.contract import CorpusManifest
from steps.job import Refused
from steps.prepare import sources
from steps.prepare.options import PrepareOptions
from steps.prepare.sources import cutting, streams
from steps.prepare.sources.pairs import resized
from steps.prepare.tables import CUT

Corpus = Callable[..., tuple[Path, CorpusManifest]]
LANGUAGES = ("en", "ig")
CONTENT: dict[str, Any] = {
    "first": (b"".join(b"e%d\n" % number for number in range(25)), b"".join(b"i%d\n" % number for number in range(25))),
    "second": b"en\tig\tx\n" + b"".join(b"f%d\tj%d\tx\n" % (number, number) for number in range(10)) + b"broken\n",
}


def cut(made: tuple[Path, CorpusManifest], into: Path, **options: int) -> tuple[list[Path], list[int]]:
    """Cut a corpus; the files and what `seen` was told."""
    told: list[int] = []
    folder, manifest = made
    files = list(sources.cut(folder, manifest, LANGUAGES, into, PrepareOptions(**options), told.append))
    return files, told


def opened(path: Path) -> pa.Table:
    """A cut file."""
    with pa.ipc.open_file(path) as file:
        return file.read_all()


def test_shards_hold_one_source_and_rows_are_counted_over_all(corpus: Corpus, tmp_path: Path) -> None:
    files, told = cut(corpus(CONTENT), tmp_path / "cut", shard_pairs=10)
    assert [path.name for path in files] == [f"0000{number}.arrow" for number in range(5)]
    tables = [opened(path) for path in files]
    assert [len(table) for table in tables] == told == [10, 10, 5, 10, 1]
    assert [table.schema.metadata for table in tables] == [{b"source": b"first"}] * 3 + [{b"source": b"second"}] * 2
    assert all(table.schema.equals(CUT) for table in tables)
    assert all(table["left"].num_chunks == 1 for table in tables)
    assert [row for table in tables for row in table["row"].to_pylist()] == list(range(36))
    assert [number for table in tables for number in table["number"].to_pylist()] == [*range(1, 26), *range(1, 12)]
    assert tables[1].slice(0, 1).to_pylist() == [
        {"row": 10, "number": 11, "left": b"e10", "right": b"i10", "flaw": None, "value": None}
    ]
    assert tables[4].to_pylist()[0]["value"] == "1 column instead of 3"


def test_left_is_the_source_language_whatever_the_manifest_says(corpus: Corpus, tmp_path: Path) -> None:
    files, _ = cut(corpus({"a": (b"otu\n", b"one\n")}, languages=("ig", "en")), tmp_path / "cut")
    assert opened(files[0]).select(["left", "right"]).to_pylist() == [{"left": b"one", "right": b"otu"}]


def test_shards_end_at_their_bytes_and_a_row_over_them_has_its_own(corpus: Corpus, tmp_path: Path) -> None:
    left = [b"a" * 400, b"b" * 200, b"c" * 100, b"d" * 5000, b"e" * 300, b"f" * 300]
    right = [b"x" * 400, b"y" * 100, b"z", b"", b"u" * 423, b"v"]
    files, _ = cut(corpus({"a": (b"\n".join(left), b"\n".join(right))}), tmp_path / "cut", shard_bytes=1024)
    assert [opened(path)["number"].to_pylist() for path in files] == [[1], [2, 3], [4], [5, 6]]


def test_a_cut_again_over_an_older_one_gives_the_same_bytes(corpus: Corpus, tmp_path: Path) -> None:
    made = corpus(CONTENT)
    files, _ = cut(made, tmp_path / "cut", shard_pairs=10)
    before = [path.read_bytes() for path in files]
    files[1].write_bytes(b"half")
    files[2].unlink()
    assert [path.read_bytes() for path in cut(made, tmp_path / "cut", shard_pairs=10)[0]] == before


def test_a_path_is_given_out_when_the_file_is_whole_and_the_next_not_begun(corpus: Corpus, tmp_path: Path) -> None:
    folder, manifest = corpus(CONTENT)
    for number, path in enumerate(
        sources.cut(folder, manifest, LANGUAGES, tmp_path / "cut", PrepareOptions(shard_pairs=10), lambda rows: None)
    ):
        assert len(opened(path)) > 0
        assert sorted(item.name for item in (tmp_path / "cut").iterdir()) == [
            f"0000{done}.arrow" for done in range(number + 1)
        ]


def test_a_full_disk_leaves_no_half_file(corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = corpus(CONTENT)

    def full(sink: Any, schema: pa.Schema) -> None:
        sink.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cutting.pa.ipc, "new_file", full)
    with pytest.raises(OSError, match="No space left"):
        cut(made, tmp_path / "cut")
    assert list((tmp_path / "cut").iterdir()) == []


@pytest.mark.parametrize("said", [24, 26])
def test_another_number_of_pairs_than_published_is_refused(corpus: Corpus, tmp_path: Path, said: int) -> None:
    with pytest.raises(Refused, match=f"source first holds 25 pairs, its manifest says {said}"):
        cut(corpus({"first": CONTENT["first"]}, lines=said), tmp_path / "cut")


def test_a_benchmark_is_read_with_numbers_and_without_rows(corpus: Corpus) -> None:
    folder, manifest = corpus(CONTENT)
    options = PrepareOptions(shard_pairs=20)
    tables = list(sources.read_source(manifest.sources[0], folder, manifest.languages, LANGUAGES, options))
    assert [len(table) for table in tables] == [20, 5]
    assert tables[0].column_names == [name for name in CUT.names if name != "row"]
    assert tables[1]["number"].to_pylist() == [21, 22, 23, 24, 25]


rows_of_text = st.lists(st.tuples(st.binary(max_size=30), st.binary(max_size=30)), min_size=1, max_size=40)


@settings(deadline=None)
@given(rows_of_text, st.lists(st.integers(1, 9), min_size=1), st.integers(1, 50), st.integers(1, 200))
def test_tables_are_as_long_as_the_limits_allow_wherever_the_given_ones_end(
    pairs: list[tuple[bytes, bytes]], given_lengths: list[int], most_rows: int, most_bytes: int
) -> None:
    sides = zip(*pairs, strict=True)
    whole = pa.table([pa.array(side, pa.large_binary()) for side in sides], names=["left", "right"])
    parts, start = [], 0
    while start < len(whole):
        parts.append(whole.slice(start, given_lengths[len(parts) % len(given_lengths)]))
        start += len(parts[-1])
    found = list(resized(parts, most_rows, most_bytes))
    assert pa.concat_tables(found).to_pylist() == whole.to_pylist()
    sizes = [[len(row["left"]) + len(row["right"]) for row in table.to_pylist()] for table in found]
    for size, following in zip(sizes, [*sizes[1:], [0]], strict=True):
        assert len(size) == 1 or (len(size) <= most_rows and sum(size) <= most_bytes)
        assert following == [0] or len(size) == most_rows or sum(size) + following[0] > most_bytes


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 30), st.integers(1024, 3000), st.integers(1, 300))
def test_any_cut_and_any_blocks_give_the_same_rows(
    tmp_path_factory: pytest.TempPathFactory, pairs: int, size: int, block: int
) -> None:
    folder = tmp_path_factory.mktemp("corpus")
    left = b"".join(b"%s\r\n" % (b"e" * (number * 37 % 290)) for number in range(60))
    (folder / "a.en").write_bytes(left)
    (folder / "a.ig").write_bytes(left.replace(b"e", b"i").replace(b"\r", b""))
    manifest = CorpusManifest.model_validate(
        {
            "name": "a", "languages": LANGUAGES, "files": [], "pairs": 60, "words": {}, "fingerprint": "none",
            "sources": [{"name": "a", "licence": "x", "format": "moses", "paths": ["a.en", "a.ig"], "lines": 60}],
        }
    )  # fmt: skip
    [whole] = cut((folder, manifest), folder / "whole")[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams, "BLOCK_BYTES", block)
        files, _ = cut((folder, manifest), folder / "cut", shard_pairs=pairs, shard_bytes=size)
    assert pa.concat_tables(map(opened, files)).to_pylist() == opened(whole).to_pylist()
