"""Compression is told by a file's first bytes, and a file that is cut off is never taken for a whole one."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard

from steps.job import Refused
from steps.prepare.sources import streams

Read = Callable[..., list[Any]]
TSV = b"en\tig\n" + b"".join(b"line %d of the file\tahiri %d\n" % (number, number * 7919) for number in range(3000))
SUFFIXES = ["gz", "zst"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_compressed_file_gives_the_rows_of_the_plain_one_under_any_name(
    read: Read, compressed: dict[str, Any], suffix: str
) -> None:
    plain = read(TSV)
    assert len(plain) == 3000
    assert read(compressed[suffix](TSV), name="a.tsv") == plain
    assert read(TSV, name=f"a.tsv.{suffix}") == plain
    pair = (b"one\ntwo\n", compressed[suffix](b"otu\nabuo"))
    assert [row[:2] for row in read(pair)] == [(b"one", b"otu"), (b"two", b"abuo")]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_members_joined_end_to_end_are_one_file(read: Read, compressed: dict[str, Any], suffix: str) -> None:
    compress = compressed[suffix]
    assert read(compress(TSV[:1000]) + compress(b"") + compress(TSV[1000:])) == read(TSV)


def test_padding_behind_gzip_and_a_skippable_frame_of_zstandard_are_no_text(read: Read) -> None:
    assert read(gzip.compress(TSV) + b"\0" * 512) == read(TSV)
    skippable = b"\x50\x2a\x4d\x18" + (3).to_bytes(4, "little") + b"abc"
    assert read(zstandard.ZstdCompressor().compress(TSV) + skippable) == read(TSV)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("missing", [1, 8, 2000])
def test_a_file_that_is_cut_off_is_refused_and_says_how_far_it_was_read(
    read: Read, compressed: dict[str, Any], suffix: str, missing: int
) -> None:
    with pytest.raises(Refused, match=r"a\.tsv is cut off: its \w+ stream ends after [\d,]+ bytes of text\. Download"):
        read(compressed[suffix](TSV)[:-missing])


def test_what_was_read_of_a_cut_off_file_is_counted(read: Read) -> None:
    with pytest.raises(Refused, match=f"after {len(TSV):,} bytes of text"):
        read(gzip.compress(TSV)[:-4])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_damaged_file_is_refused(read: Read, suffix: str) -> None:
    whole = {"gz": gzip.compress(TSV), "zst": zstandard.ZstdCompressor(write_checksum=True).compress(TSV)}[suffix]
    damaged = bytearray(whole)
    damaged[len(whole) // 2] ^= 0xFF
    with pytest.raises(Refused, match=r"a\.tsv is not valid \w+ after [\d,]+ bytes of text"):
        read(bytes(damaged))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_bytes_behind_the_end_are_refused(read: Read, compressed: dict[str, Any], suffix: str) -> None:
    with pytest.raises(Refused, match="is not valid"):
        read(compressed[suffix](TSV) + b"and more")


@pytest.mark.parametrize(
    ("start", "message"),
    [
        (b"PK\x03\x04", "is a zip archive. Unpack it"),
        (b"\xfd7zXZ\x00", "is compressed with xz. Unpack it"),
        (b"BZh91AY&SY", "is compressed with bzip2. Unpack it"),
        (b"PAR1", "is a Parquet file"),
    ],
)
def test_other_kinds_of_files_are_refused_by_name(read: Read, start: bytes, message: str) -> None:
    with pytest.raises(Refused, match=message):
        read(start + b"\nen\tig\none\totu\n")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_size_of_blocks_changes_no_row_of_a_compressed_file(
    read: Read, compressed: dict[str, Any], suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = read(TSV)
    monkeypatch.setattr(streams, "BLOCK_BYTES", 1000)
    monkeypatch.setattr(streams, "GZIP_CHUNK_BYTES", 7)
    monkeypatch.setattr(streams, "ZSTANDARD_CHUNK_BYTES", 7)
    assert read(compressed[suffix](TSV)) == plain


BOMB_BYTES = 128 << 20  # of text, from some 4 kB of Zstandard or 130 kB of gzip


def bomb(suffix: str) -> bytes:
    """A small file that expands to BOMB_BYTES of one letter."""
    makers = {"gz": lambda: zlib.compressobj(9, wbits=31), "zst": zstandard.ZstdCompressor(level=19).compressobj}
    compressor = makers[suffix]()
    return b"".join([*(compressor.compress(b"a" * (1 << 20)) for _ in range(BOMB_BYTES >> 20)), compressor.flush()])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_bomb_is_given_out_in_blocks_and_its_text_is_never_in_memory(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(bomb(suffix))
    tracemalloc.start()
    try:
        sizes = [len(block) for block in streams.blocks(path)]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sum(sizes) == BOMB_BYTES
    assert max(sizes) <= streams.BLOCK_BYTES
    assert peak < 32 << 20


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_bomb_that_is_cut_off_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(bomb(suffix)[:-1])
    with pytest.raises(Refused, match=r"bomb is cut off: its \w+ stream ends after 1[\d,]{10} bytes of text"):
        for block in streams.blocks(path):
            assert len(block) <= streams.BLOCK_BYTES
