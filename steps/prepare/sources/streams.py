"""A file as blocks of its decompressed bytes. What it is compressed with is read off its first bytes, not its name."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

import zstandard

from steps.prepare.sources.refusal import Unreadable

BLOCK_BYTES = 2 << 20  # larger ones are no faster: this much stays near the processor
# Compressed bytes decoded at once, so that no file makes much text of them at once. zlib makes at most 1,032 times as
# many (zlib's technical details); a block of Zstandard takes four bytes and makes 128 KiB (RFC 8878, 3.1.1.2).
GZIP_CHUNK_BYTES = 2 << 10  # 2 MiB of text
ZSTANDARD_CHUNK_BYTES = 256  # 8 MiB of text

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
    """The bytes of a file, decompressed, in blocks of at most BLOCK_BYTES; no block is empty.

    Memory is bounded whatever a compressed file expands to.

    Raises Unreadable for an empty file, for one that is cut off or damaged, and for a kind of file that holds no text.
    """
    with path.open("rb") as file:
        start = file.read(10)
        file.seek(0)
        for magic, (kind, remedy) in FOREIGN.items():
            if start.startswith(magic):
                raise Unreadable(path, f"is {kind}", remedy)
        if start.startswith(GZIP):
            pieces = _decompressed(path, file, "gzip", lambda: zlib.decompressobj(wbits=31), GZIP_CHUNK_BYTES, b"\0")
            found = _joined(pieces)
        elif start.startswith(ZSTANDARD):
            make = zstandard.ZstdDecompressor().decompressobj
            found = _joined(_decompressed(path, file, "Zstandard", make, ZSTANDARD_CHUNK_BYTES))
        else:
            found = iter(lambda: file.read(BLOCK_BYTES), b"")
        empty = True
        for block in found:
            empty = False
            yield block
        if empty:
            raise Unreadable(path, "is empty", "give a file with at least one pair")


def _decompressed(
    path: Path, file: BinaryIO, kind: str, make: Callable[[], Decompressor], chunk_bytes: int, padding: bytes = b""
) -> Iterator[bytes]:
    """Pieces of text from one or more compressed members, read in chunks; `padding` may stand behind a member."""
    decoder, read = make(), 0
    while chunk := file.read(chunk_bytes):
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
    """The same bytes in blocks of BLOCK_BYTES, but for the last."""
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= BLOCK_BYTES:
            text = b"".join(held)
            whole = size - size % BLOCK_BYTES
            for start in range(0, whole, BLOCK_BYTES):
                yield text[start : start + BLOCK_BYTES]
            held, size = [text[whole:]], size - whole
    if size:
        yield b"".join(held)
