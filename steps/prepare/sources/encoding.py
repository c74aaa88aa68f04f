"""Tells text that can be UTF-8 from text that cannot, by a byte order mark or by where the NUL bytes are.

Single bytes that are not UTF-8 are the shard function's concern: they cost a row, not the file.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from steps.prepare.sources import streams
from steps.prepare.sources.refusal import Unreadable

SNIFFED_BYTES = 64 << 10
MARKS = (  # UTF-32LE first: its mark begins with that of UTF-16LE
    (codecs.BOM_UTF32_LE, "UTF-32LE"),
    (codecs.BOM_UTF32_BE, "UTF-32BE"),
    (codecs.BOM_UTF16_LE, "UTF-16LE"),
    (codecs.BOM_UTF16_BE, "UTF-16BE"),
)
FEWEST_NULS = 4  # fewer are noise
HIGH_BYTE_SHARE = 0.08  # of the high bytes of UTF-16; spaces and line ends alone have this many, in any script
NOISE_SHARE = 0.01  # of the other bytes


def text_blocks(path: Path) -> Iterator[bytes]:
    """`streams.blocks` of a text file without its UTF-8 byte order mark.

    Raises Unreadable for what `blocks` refuses, for UTF-16 and UTF-32, and for a file with nothing but a mark.
    """
    found = streams.blocks(path)
    head = b""
    for block in found:
        head += block
        if len(head) >= SNIFFED_BYTES:
            break
    encoding = wide_encoding(head[:SNIFFED_BYTES])
    if encoding:
        remedy = f"convert it: iconv -f {encoding} -t UTF-8 {path.name} > {path.stem}.utf8{path.suffix}"
        if streams.is_compressed(path):
            remedy = f"unpack it and convert it: iconv -f {encoding} -t UTF-8"
        raise Unreadable(path, f"is {encoding}, not UTF-8", remedy)
    head = head.removeprefix(codecs.BOM_UTF8)
    if not head:
        raise Unreadable(path, "is empty", "give a file with at least one pair")
    size = streams.BLOCK_BYTES
    yield from chain((head[start : start + size] for start in range(0, len(head), size)), found)


def wide_encoding(start: bytes) -> str:
    """The encoding of text with two or four bytes a character, from a file's first bytes; empty when it is neither."""
    for mark, name in MARKS:
        if start.startswith(mark):
            return name
    whole = np.frombuffer(start[: len(start) // 4 * 4], dtype=np.uint8).reshape(-1, 4)
    if np.count_nonzero(whole == 0) < FEWEST_NULS:
        return ""
    first, second, third, fourth = (float(share) for share in np.mean(whole == 0, axis=0))
    even, odd = (first + third) / 2, (second + fourth) / 2
    signs = {
        "UTF-32LE": min(third, fourth) > 1 - NOISE_SHARE and first <= NOISE_SHARE,
        "UTF-32BE": min(first, second) > 1 - NOISE_SHARE and fourth <= NOISE_SHARE,
        "UTF-16LE": odd >= HIGH_BYTE_SHARE and even <= NOISE_SHARE,
        "UTF-16BE": even >= HIGH_BYTE_SHARE and odd <= NOISE_SHARE,
    }
    return next((name for name, holds in signs.items() if holds), "")
