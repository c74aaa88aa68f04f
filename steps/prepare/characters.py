"""Rows of text as one buffer of UTF-8 bytes, and tables over all code points to look its characters up in.

The preparation never loops over characters in Python. ASCII is handled by byte tables; the other characters are found
by their first byte, decoded at once, and looked up here.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import regex

CODE_POINTS = 0x110000
END = 0xFF  # ends every row of a buffer; no byte of UTF-8 has this value
PADDING = 8  # bytes behind the last row, so that a look ahead stays inside the buffer

LETTER, MARK, NUMBER, SPACE = 1, 2, 4, 8  # bits of `classes`
_PATTERNS = {LETTER: r"\p{L}", MARK: r"\p{M}", NUMBER: r"\p{N}", SPACE: r"\s"}

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]
Points = npt.NDArray[np.uint32]
Bits = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]
Number = TypeVar("Number", bound=np.generic)


@cache
def _all_characters() -> str:
    """Every code point in order; surrogates, which no text holds, are replaced by U+FFFE, which is unassigned."""
    values = np.arange(CODE_POINTS, dtype="<u4")
    values[0xD800:0xE000] = 0xFFFE
    return values.tobytes().decode("utf-32-le")


def matching(pattern: str) -> Flags:
    """For every code point whether it matches a pattern of the `regex` module, in its version 1 (with set operations)."""
    table = np.zeros(CODE_POINTS, dtype=np.bool_)
    for run in regex.finditer(f"(?V1)(?:{pattern})+", _all_characters()):
        table[run.start() : run.end()] = True
    return table


@cache
def classes() -> Bits:
    """LETTER, MARK, NUMBER and SPACE of every code point, as bits."""
    table = np.zeros(CODE_POINTS, dtype=np.uint8)
    for bit, pattern in _PATTERNS.items():
        table |= np.where(matching(pattern), np.uint8(bit), np.uint8(0))
    return table


@cache
def letters_of(scripts: tuple[str, ...]) -> Flags:
    """For every code point whether it is a letter of these scripts (Unicode names), or a mark used with them.

    Raises ValueError for a name that Unicode does not know.
    """
    try:
        names = "".join(rf"\p{{Script={script}}}" for script in scripts)
        return matching(rf"[[{names}]&&\p{{L}}]|[[{names}\p{{Script=Inherited}}]&&\p{{M}}]")
    except regex.error as error:
        raise ValueError(f"{', '.join(scripts)}: not all of these are Unicode script names") from error


def _fold_one(character: str) -> str:
    for folded in (character.casefold(), character.lower()):
        if len(folded) == 1:
            return folded
    return character


@cache
def folded() -> Points:
    """What stands for every code point when case does not matter: one of the characters of the same simple case fold.

    It is the fold itself, unless that needs more bytes in UTF-8 than some character folded to it; then it is the
    shortest of them, so that folding a text never makes it longer.
    """
    table = np.arange(CODE_POINTS, dtype=np.uint32)
    shortest: dict[str, str] = {}
    changing = np.flatnonzero(matching(r"\p{Changes_When_Casefolded}")).tolist()
    for character in map(chr, changing):
        fold = _fold_one(character)
        shortest[fold] = min(shortest.get(fold, fold), character, key=lambda item: len(item.encode()))
    for fold, short in shortest.items():
        table[ord(fold)] = ord(short)
    for character in map(chr, changing):
        table[ord(character)] = table[ord(_fold_one(character))]
    return table


def encoded(points: Points) -> Points:
    """Code points as their UTF-8 bytes, packed with the first byte lowest; absent bytes are 0."""
    tail = [(points >> np.uint32(shift)) & np.uint32(0x3F) | np.uint32(0x80) for shift in (0, 6, 12)]
    two = points >> np.uint32(6) | np.uint32(0xC0) | tail[0] << np.uint32(8)
    three = points >> np.uint32(12) | np.uint32(0xE0) | tail[1] << np.uint32(8) | tail[0] << np.uint32(16)
    four = points >> np.uint32(18) | np.uint32(0xF0) | tail[2] << np.uint32(8)
    four |= tail[1] << np.uint32(16) | tail[0] << np.uint32(24)
    return np.where(points < 0x80, points, np.where(points < 0x800, two, np.where(points < 0x10000, three, four)))


@dataclass(frozen=True)
class Rows:
    """Texts of n rows in one buffer: `data[ends[i-1] + 1 : ends[i]]` is row i, and `data[ends[i]]` is END.

    The texts must be UTF-8. PADDING zero bytes follow the last END.
    """

    data: Bytes
    ends: Places

    @property
    def starts(self) -> Places:
        """Where each row begins."""
        return np.concatenate(([0], self.ends[:-1] + 1)) if len(self.ends) else self.ends

    @cached_property
    def places(self) -> Places:
        """Where the characters beyond ASCII begin, ascending."""
        return places_of((self.data - np.uint8(0xC0)) < np.uint8(0x38))

    @cached_property
    def places_before(self) -> Places:
        """How many of the places lie before each row's end."""
        return np.searchsorted(self.places, self.ends)

    @cached_property
    def points(self) -> Points:
        """Code points of the characters beyond ASCII."""
        at, data = self.places, self.data
        first = data[at].astype(np.uint32)
        second, third = (data[at + place] & np.uint32(0x3F) for place in (1, 2))
        two = (first & np.uint32(0x1F)) << np.uint32(6) | second
        three = (first & np.uint32(0x0F)) << np.uint32(12) | second << np.uint32(6) | third
        result = np.where(first < 0xE0, two, three)
        longest = np.flatnonzero(first >= 0xF0)
        if len(longest):
            fourth = data[at[longest] + 3] & np.uint32(0x3F)
            high = (first[longest] & np.uint32(0x07)) << np.uint32(18) | second[longest] << np.uint32(12)
            result[longest] = high | third[longest] << np.uint32(6) | fourth
        return result

    def count(self, marked: Flags) -> Places:
        """How many bytes of each row are marked; `marked` is as long as `data`.

        Marks are added up eight at a time, in the top byte of a product; what is over at a row's ends is added apart.
        """
        whole = len(marked) // 8 * 8
        blocks = np.append(marked[:whole], np.zeros(8, dtype=np.bool_)).view(np.uint64)
        sums = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(_sum_of_bytes(blocks).view(np.int64))))
        bounds = np.concatenate((np.zeros(1, dtype=np.int64), self.ends))
        left_out = np.uint64(63) - ((bounds & 7) << 3).astype(np.uint64)
        partial = _sum_of_bytes((blocks[bounds >> 3] << np.uint64(1)) << left_out)
        counts: Places = np.diff(sums[bounds >> 3] + partial.view(np.int64))
        return counts

    def row_of(self, places: Places) -> Places:
        """The row each place of the buffer lies in."""
        return np.searchsorted(self.ends, places)


def picked(values: npt.NDArray[Number], flags: Flags) -> npt.NDArray[Number]:
    """`values[flags]`. Polars needs a tenth of numpy's time for it."""
    found: npt.NDArray[Number] = pl.Series(values).filter(pl.Series(flags)).to_numpy()
    return found


def places_of(flags: Flags) -> Places:
    """`np.flatnonzero(flags)`, in a fifth of its time where many are set."""
    return picked(_counting(1 << (len(flags) - 1).bit_length())[: len(flags)], flags)


@lru_cache(maxsize=4)
def _counting(numbers: int) -> Places:
    return np.arange(numbers)


def _sum_of_bytes(blocks: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The sum of the eight bytes of each number; it must be under 256."""
    return (blocks * np.uint64(0x0101010101010101)) >> np.uint64(56)


def join(texts: pa.Array | pa.ChunkedArray) -> Rows:
    """Put the rows of a string or binary array into one buffer; nulls become empty."""
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    if not len(texts):
        return Rows(np.zeros(PADDING, dtype=np.uint8), np.zeros(0, dtype=np.int64))
    binary = pc.fill_null(texts.cast(pa.large_binary()), b"")
    end, nothing = pa.scalar(bytes([END]), pa.large_binary()), pa.scalar(b"", pa.large_binary())
    joined = pc.binary_join_element_wise(binary, nothing, end)
    _, offsets, values = joined.buffers()
    ends = np.frombuffer(offsets, dtype=np.int64, count=len(joined) + 1)[1:] - 1
    length = int(ends[-1]) + 1
    data = np.zeros(length + PADDING, dtype=np.uint8)
    data[:length] = np.frombuffer(values, dtype=np.uint8, count=length)
    return Rows(data, ends)
