"""Lines of a text file as Arrow arrays of bytes. A line ends at b"\\n" and nowhere else.

Text-mode reading also breaks lines at CR, and `splitlines` at U+2028, NEL, VT and FF: one such character inside a
sentence would shift every later pair of a Moses corpus. Line ends are found a block at a time, never line by line.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

MAX_LINE_BYTES = 1 << 20  # a longer line is no sentence
KEPT_BYTES = 4 << 10  # what is kept of such a line, to be looked at

Offsets = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Lines:
    """Lines in a row: `texts` without b"\\n" (large_binary), `sizes` their bytes in the file, without b"\\n".

    Text of a line of more than MAX_LINE_BYTES is its first KEPT_BYTES only. A CR before b"\\n" stays.
    """

    texts: pa.LargeBinaryArray
    sizes: Offsets

    def __len__(self) -> int:
        return len(self.texts)

    def part(self, start: int, stop: int | None = None) -> Lines:
        """Lines `start` to `stop`, without copying."""
        stop = len(self) if stop is None else stop
        return Lines(self.texts.slice(start, stop - start), self.sizes[start:stop])


def lines(blocks: Iterable[bytes]) -> Iterator[Lines]:
    """The lines in blocks of bytes; where blocks end changes no line. The last line may lack its b"\\n".

    Memory is bounded by the block and MAX_LINE_BYTES, however long a line is.
    """
    rest: list[bytes] = []  # of a line whose end is still to come: its first MAX_LINE_BYTES at least
    held = size = 0  # bytes in `rest`; bytes of that line
    for block in blocks:
        first = block.find(b"\n")
        start = block if first < 0 else block[:first]
        if held <= MAX_LINE_BYTES:
            rest.append(start)
            held += len(start)
        size += len(start)
        if first < 0:
            continue
        last = block.rfind(b"\n")
        yield _broken(b"".join(rest), size, block[first + 1 : last + 1])
        rest = [block[last + 1 :]]
        held = size = len(rest[0])
    if size:
        yield _broken(b"".join(rest), size, b"")


def _broken(head: bytes, head_size: int, body: bytes) -> Lines:
    """A first line of `head_size` bytes, of which `head` is the start, and the whole lines of `body`."""
    if head_size > MAX_LINE_BYTES:
        head = clip(head)
    text = b"".join((head, b"\n", body))
    ends = np.flatnonzero(np.frombuffer(text, dtype=np.uint8) == ord("\n"))
    sizes = np.diff(ends, prepend=-1) - 1
    too_long = np.flatnonzero(sizes > MAX_LINE_BYTES)
    if len(too_long):
        text = _clipped(text, ends[too_long], sizes[too_long])
        ends = np.flatnonzero(np.frombuffer(text, dtype=np.uint8) == ord("\n"))
    sizes[0] = head_size
    offsets = np.zeros(len(ends) + 1, dtype=np.int64)
    np.subtract(ends, np.arange(len(ends)), out=offsets[1:])
    return Lines(binary_array(offsets, text.replace(b"\n", b"")), sizes)


def _clipped(text: bytes, ends: Offsets, sizes: Offsets) -> bytes:
    """The text with the lines that end at `ends` clipped."""
    parts, done = [], 0
    for end, size in zip(ends.tolist(), sizes.tolist(), strict=True):
        start = end - size
        parts += [text[done:start], clip(text[start : start + KEPT_BYTES + 1])]
        done = end
    return b"".join((*parts, text[done:]))


def clip(line: bytes) -> bytes:
    """The first KEPT_BYTES of a line that is longer, or up to three fewer so that no UTF-8 character is cut in two."""
    end = KEPT_BYTES
    while end > KEPT_BYTES - 3 and line[end : end + 1] and line[end] & 0xC0 == 0x80:
        end -= 1
    return line[:end]


def binary_array(offsets: Offsets, data: bytes) -> pa.LargeBinaryArray:
    """The texts `data[offsets[i]:offsets[i + 1]]`, without copying."""
    return pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), len(offsets) - 1, [None, pa.py_buffer(offsets), pa.py_buffer(data)]
    )


def offsets_of(texts: pa.LargeBinaryArray) -> Offsets:
    """Offsets of an array's texts in its data buffer; one more than there are texts. Needs an array without nulls."""
    found: Offsets = np.frombuffer(texts.buffers()[1], dtype=np.int64, count=len(texts) + 1, offset=8 * texts.offset)
    return found


def data_of(texts: pa.LargeBinaryArray) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The bytes that an array's offsets count in."""
    buffer = texts.buffers()[2]
    return np.frombuffer(buffer, dtype=np.uint8) if buffer is not None and buffer.size else np.empty(0, np.uint8)
