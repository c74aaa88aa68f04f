"""A file as blocks of its decompressed bytes. What it is compressed with is read off its first bytes, not its name."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

import zstandard

from steps.prepare.sources.refusal import Unreadable

BLOCK_BYTES = 2 << 20  # larger ones are no faster: this much stays near the processor
CHUNK_BYTES = 16 << 10  # compressed bytes decoded at once; zlib makes at most 1,032 times as many of them

GZIP = b"\x1f\x8b"
ZSTANDARD = b"\x28\xb5\x2f\xfd"
FOREIGN = {  # what else people have: magic bytes, what it is, what to do
    b"PK\x03\x04": ("a zip archive", "unpack it and give the files in it"),
    b"\xfd7zXZ\x00": ("compressed with xz", "unpack it: xz -d"),
    b"BZh91AY&SY": ("compressed with bzip2", "unpack it: bzip2 -d"),
    b"PAR1": ("a Parquet file", "publish it as one, under a name that ends in .parquet"),
}


class Decompressor(Protocol):
    """What zlib's and zstandard's decompression objects share."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


def is_compressed(path: Path) -> bool:
    """True for a file that starts as gzip or Zstandard files do."""
    with path.open("rb") as file:
        return file.read(4).startswith((GZIP, ZSTANDARD))


def blocks(path: Path) -> Iterator[bytes]:
    """The bytes of a file, decompressed, in blocks of about BLOCK_BYTES; no block is empty.

    Raises Unreadable for an empty file, for one that is cut off or damaged, and for a kind of file that holds no text.
    """
    with path.open("rb") as file:
        start = file.read(10)
        file.seek(0)
        for magic, (kind, remedy) in FOREIGN.items():
            if start.startswith(magic):
                raise Unreadable(path, f"is {kind}", remedy)
        if start.startswith(GZIP):
            found = _joined(_decompressed(path, file, "gzip", lambda: zlib.decompressobj(wbits=31), padding=b"\0"))
        elif start.startswith(ZSTANDARD):
            found = _joined(_decompressed(path, file, "Zstandard", zstandard.ZstdDecompressor().decompressobj))
        else:
            found = iter(lambda: file.read(BLOCK_BYTES), b"")
        empty = True
        for block in found:
            empty = False
            yield block
        if empty:
            raise Unreadable(path, "is empty", "give a file with at least one pair")


def _decompressed(
    path: Path, file: BinaryIO, kind: str, make: Callable[[], Decompressor], padding: bytes = b""
) -> Iterator[bytes]:
    """Pieces of text from one or more compressed members; `padding` may stand behind a member."""
    decoder, read = make(), 0
    while chunk := file.read(CHUNK_BYTES):
        while chunk:
            if decoder.eof:
                chunk = chunk.lstrip(padding) if padding else chunk
                if not chunk:
                    break
                decoder = make()
            try:
                piece = decoder.decompress(chunk)
            except (zlib.error, zstandard.ZstdError) as error:
                raise Unreadable(
                    path,
                    f"is not valid {kind} after {read:,} bytes of text: {error}",
                    "download or copy it again",
                ) from error
            read += len(piece)
            if piece:
                yield piece
            chunk = decoder.unused_data if decoder.eof else b""
    if not decoder.eof:
        raise Unreadable(
            path, f"is cut off: its {kind} stream ends after {read:,} bytes of text", "download or copy it again"
        )


def _joined(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes in blocks of at least BLOCK_BYTES, but for the last."""
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= BLOCK_BYTES:
            yield b"".join(held)
            held, size = [], 0
    if held:
        yield b"".join(held)
