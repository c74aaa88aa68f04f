"""Signals: what may be wrong with a kept pair, counted and shown but never a reason to drop it.

Igbo writers spell numbers out, so that numbers differ in a third of good pairs of news; final punctuation likewise.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from steps.prepare.characters import END, PADDING, Flags, Places
from steps.prepare.shard.sides import Pairs, Side
from steps.prepare.words import BOUNDARY, Hashes, hash_words

_DIGITS = bytes(byte if byte in b"0123456789" or byte == END else BOUNDARY for byte in range(256))
_ENDINGS = {  # sentences of one kind end alike in all scripts
    "statement": ".\u3002\u0964\u06d4\u1362",
    "question": "?\uff1f\u061f\u1367",
    "exclamation": "!\uff01",
    "ellipsis": "\u2026",
    "colon": ":\uff1a;\u061b\u1364\u1361",
}
_URL = re.compile(r"https?://|www\.", re.IGNORECASE)
_HTML = re.compile(r"</?[a-z][^<>]*>|&(?:[a-z]{2,8}|#\d{1,7});", re.IGNORECASE)
_E_MAIL = re.compile(r"[^\s@]+@[^\s@.]+\.[^\s@]")
_PHONE = re.compile(r"(?<![\d.,])\+?\(?\d[\d ()/.-]{7,}\d(?![\d.,]*\d)")
_MARKS = {"url": (b":.", _URL), "html": (b"<&", _HTML), "e-mail": (b"@", _E_MAIL)}


def signals(pairs: Pairs) -> dict[str, Flags]:
    """Per signal, the pairs that show it."""
    (left_numbers, left_digits), (right_numbers, right_digits) = map(_numbers, pairs.sides)
    found = {
        "numbers-differ": left_numbers != right_numbers,
        "end-punctuation-differs": _endings(pairs.left) != _endings(pairs.right),
    }
    for name, (marks, pattern) in _MARKS.items():
        found[name] = _either(pairs, [_with_any(side, marks) for side in pairs.sides], pattern)
    found["phone"] = _either(pairs, [np.flatnonzero(left_digits), np.flatnonzero(right_digits)], _PHONE)
    return found


def _either(pairs: Pairs, candidates: Sequence[Places], pattern: re.Pattern[str]) -> Flags:
    """Pairs with a side that matches a pattern, of those whose side is a candidate."""
    found = np.zeros(len(pairs), dtype=np.bool_)
    for side, places in zip(pairs.sides, candidates, strict=True):
        for place, text in zip(places.tolist(), side.some(places), strict=True):
            found[place] |= pattern.search(text) is not None
    return found


def _with_any(side: Side, wanted: bytes) -> Places:
    """Rows that hold one of these bytes in the middle of a word, where URLs and mark-up have them."""
    data = side.rows.data
    marked = np.zeros(len(data), dtype=np.bool_)
    for byte in wanted:
        marked |= data == byte
    marked[:-1] &= (data[1:] != BOUNDARY) & (data[1:] != END)
    return np.unique(side.rows.row_of(np.flatnonzero(marked)))


def _numbers(side: Side) -> tuple[Hashes, Flags]:
    """A hash of the runs of digits of every row, whatever their order; and whether a phone number may be among them."""
    digits = side.rows.data[:-PADDING].tobytes().translate(_DIGITS)
    hashes, counts = hash_words(digits)
    sums = np.concatenate((np.zeros(1, dtype=np.uint64), np.cumsum(hashes)))
    after = np.cumsum(counts)
    return sums[after] - sums[after - counts], _with_digits(side, digits)


def _with_digits(side: Side, digits: bytes, least: int = 7) -> Flags:
    left = np.frombuffer(digits.translate(None, bytes([BOUNDARY])), dtype=np.uint8)
    return np.diff(np.flatnonzero(left == END), prepend=-1) - 1 >= least


def _endings(side: Side) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """The kind of sign that every row ends with, 0 for none."""
    rows = side.rows
    last = rows.data[rows.ends - 1].astype(np.int64)
    beyond = np.flatnonzero((last >= 0x80) & (last != END))
    if len(beyond):
        last[beyond] = rows.points[np.searchsorted(rows.places, rows.ends[beyond]) - 1]
    kinds = np.zeros(len(last), dtype=np.uint8)
    for kind, signs in enumerate(_ENDINGS.values(), start=1):
        kinds[np.isin(last, [ord(sign) for sign in signs])] = kind
    return kinds
