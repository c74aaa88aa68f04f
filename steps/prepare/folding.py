"""What makes two sentences the same: keys for equality, templates for near-equality of numbers, bigrams for likeness.

A sentence is folded to its words: runs of letters, marks and digits, case-folded. Apostrophes inside words are left
out for languages that write one word with different ones. Whatever else a text holds is a boundary between words.

All results are hashes of 64 bits of a row's own folded text and so do not depend on the other rows of a batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
import pyarrow as pa
import regex
from xxhash import xxh3_64_intdigest

from steps.languages import Language
from steps.prepare.characters import (
    CODE_POINTS,
    END,
    LETTER,
    MARK,
    NUMBER,
    PADDING,
    Bytes,
    Flags,
    Places,
    Points,
    Rows,
    classes,
    encoded,
    folded,
    join,
    picked,
    places_of,
)
from steps.prepare.words import BOUNDARY, FIRST_FACTOR, Hashes, hash_words, mixed

# Sources write n'ụlọ with a straight, curly, modifier-letter, prime, accent or full-width sign: it is one word
APOSTROPHES = "'`\u00b4\u2018\u2019\u201b\u02b9\u02bb\u02bc\u2032\uff07"
JOINERS = "\u200c\u200d"  # shape the letters around them and are no boundary

NOTHING = 0x00  # the byte that stands for what is left out
_DIGIT_RUN = regex.compile(r"\p{N}+")
_ASCII_DIGITS = regex.compile(rb"[0-9]+")


@dataclass(frozen=True)
class Bigrams:
    """Word bigrams of n rows: `hashes[offsets[i] : offsets[i + 1]]` is the set of row i, ascending.

    A sentence of one word has that word instead; one without words has the empty set.
    """

    offsets: Places
    hashes: Hashes

    def of(self, rows: Places) -> Bigrams:
        """Those of some rows."""
        starts, sizes = self.offsets[rows], self.offsets[rows + 1] - self.offsets[rows]
        offsets = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(sizes)))
        shift = np.repeat(starts - offsets[:-1], sizes)
        return Bigrams(offsets, self.hashes[shift + np.arange(int(offsets[-1]))])


class Folded:
    """The folded words of n rows. Made by `fold`."""

    def __init__(self, data: bytes | bytearray, rows: int, foreign_numbers: bool) -> None:
        """`data` holds the rows' words in UTF-8 with BOUNDARY between them, END behind each row, NOTHING anywhere."""
        self._data = data
        self.rows = rows
        self._foreign_numbers = foreign_numbers  # some row has numbers beyond ASCII

    @cached_property
    def _letters(self) -> bytes:
        """All rows without the boundaries between words."""
        data = np.frombuffer(self._data, dtype=np.uint8)
        return picked(data, (data != BOUNDARY) & (data != NOTHING)).tobytes()

    @cached_property
    def _key_texts(self) -> list[bytes]:
        return self._letters.split(bytes([END]))[:-1]

    def keys(self) -> Hashes:
        """Hashes of the letters, marks and digits of every row: sentences with an equal key are the same sentence."""
        return self._keys.copy()

    @cached_property
    def _keys(self) -> Hashes:
        return np.fromiter(map(xxh3_64_intdigest, self._key_texts), dtype=np.uint64, count=self.rows)

    def templates(self) -> Hashes:
        """As keys, but with every run of digits as one 0: sentences that differ in numbers only are equal."""
        text = np.frombuffer(self._letters, dtype=np.uint8)
        ends = places_of(text == END)
        digits = (text - np.uint8(ord("0"))) < np.uint8(10)
        if self._foreign_numbers:
            digits |= (text >= 0x80) & (text != END)
        hashes = self.keys()
        for row in np.unique(np.searchsorted(ends, places_of(digits))).tolist():
            hashes[row] = xxh3_64_intdigest(_template(self._key_texts[row]))
        return hashes

    @cached_property
    def word_hashes(self) -> tuple[Hashes, Places]:
        """Hashes of all words in order, and the number of words of every row."""
        return hash_words(self._data.translate(None, bytes([NOTHING])))

    def shingles(self) -> Bigrams:
        """As bigrams, but in the order of the text and with repetitions."""
        words, counts = self.word_hashes
        lasts = np.cumsum(counts) - 1
        stays = np.ones(len(words), dtype=np.bool_)
        stays[lasts[counts > 1]] = False
        alone = lasts[counts == 1]
        following = np.empty_like(words)
        following[:-1] = words[1:]
        following[-1:] = 0
        following[alone] = 0
        sizes = np.where(counts > 1, counts - 1, counts)
        offsets = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(sizes)))
        return Bigrams(offsets, mixed(words * FIRST_FACTOR + following)[stays])

    def bigrams(self) -> Bigrams:
        """The set of word bigrams of every row, as hashes."""
        return _as_sets(self.shingles())


def fold(texts: pa.Array | pa.ChunkedArray, language: Language) -> Folded:
    """Fold the rows of a string array of valid UTF-8, as one language does it."""
    return fold_rows(join(texts), language)


def fold_rows(rows: Rows, language: Language) -> Folded:
    """As fold, of rows that are in one buffer already."""
    byte_table, point_table, changing = _tables(language.fold_apostrophes)
    data = bytearray(rows.data[:-PADDING].tobytes().translate(byte_table))
    if len(rows.places):
        _replace(np.frombuffer(data, dtype=np.uint8), rows.places, rows.points, point_table, changing)
    foreign_numbers = bool((classes()[rows.points] & NUMBER).any())
    return Folded(data, len(rows.ends), foreign_numbers)


@cache
def _tables(fold_apostrophes: bool) -> tuple[bytes, Points, Flags]:
    """For ASCII a byte table; for every code point the bytes that it folds to, packed as `characters.encoded` does, and
    whether that are others than its own."""
    unfolded = encoded(np.arange(CODE_POINTS, dtype=np.uint32))
    packed = unfolded[folded()]
    packed[(classes() & (LETTER | MARK | NUMBER)) == 0] = BOUNDARY
    packed[[ord(joiner) for joiner in JOINERS]] = NOTHING
    if fold_apostrophes:
        packed[[ord(sign) for sign in APOSTROPHES]] = NOTHING
    return bytes(packed[:128].tolist()) + bytes(range(128, 256)), packed, packed != unfolded


def _replace(data: Bytes, places: Places, points: Points, table: Points, changing: Flags) -> None:
    """Write what the table says in place of characters beyond ASCII that change; it is never longer than those."""
    changed = np.flatnonzero(changing[points])
    at, points = places[changed], points[changed]
    values = table[points]
    for byte, least in ((0, 0x80), (1, 0x80), (2, 0x800), (3, 0x10000)):
        long_enough = slice(None) if least == 0x80 else np.flatnonzero(points >= least)
        data[at[long_enough] + byte] = values[long_enough] >> np.uint32(8 * byte) & np.uint32(0xFF)


def _template(key: bytes) -> bytes:
    """A key with every run of digits as one 0."""
    if key.isascii():
        return _ASCII_DIGITS.sub(b"0", key)
    return _DIGIT_RUN.sub("0", key.decode()).encode()


def _as_sets(shingles: Bigrams) -> Bigrams:
    """Rows sorted, repetitions left out. Rows of equal size are sorted together as one matrix."""
    starts, sizes = shingles.offsets[:-1], np.diff(shingles.offsets)
    ordered = np.empty_like(shingles.hashes)
    by_size = np.argsort(sizes, kind="stable")
    changes = np.flatnonzero(np.diff(sizes[by_size])) + 1
    for group in np.split(by_size, changes):
        size = int(sizes[group[0]]) if len(group) else 0
        if size:
            cells = starts[group][:, None] + np.arange(size)
            ordered[cells] = np.sort(shingles.hashes[cells], axis=1)
    new = np.ones(len(ordered), dtype=np.bool_)
    new[1:] = ordered[1:] != ordered[:-1]
    new[starts[sizes > 0]] = True
    before: Places = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(new, dtype=np.int64)))
    return Bigrams(before[shingles.offsets], ordered[new])
