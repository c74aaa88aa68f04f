"""Signals: what may be wrong with a kept pair, counted and shown but never a reason to drop it.

Igbo writers spell numbers out, so that numbers differ in a third of good pairs of news; final punctuation likewise.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import numpy as np

from steps.prepare.characters import END, Flags, Places
from steps.prepare.shard.sides import Pairs, Side
from steps.prepare.words import Hashes, mixed

_PHONE_DIGITS = 7
_NUMBER_BASE = np.uint64(11)  # a run of digits d0 d1 ... is the sum of (di + 1) 11^i, modulo 2^64
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
# A sign and the byte behind it, if one is given: cheap to find, and no text matches the pattern without
_MARKS = {
    "url": ((b":", b"/"), (b"w", b"."), (b"W", b".")),
    "html": ((b"<", b""), (b"&", b"")),
    "e-mail": ((b"@", b""),),
}
_PATTERNS = {"url": _URL, "html": _HTML, "e-mail": _E_MAIL}


def signals(pairs: Pairs) -> dict[str, Flags]:
    """Per signal, the pairs that show it."""
    (left_numbers, left_digits), (right_numbers, right_digits) = map(_numbers, pairs.sides)
    phones = [np.flatnonzero(digits >= _PHONE_DIGITS) for digits in (left_digits, right_digits)]
    found = {
        "numbers-differ": left_numbers != right_numbers,
        "end-punctuation-differs": _endings(pairs.left) != _endings(pairs.right),
    }
    for name, marks in _MARKS.items():
        found[name] = _either(pairs, [_with_any(side, marks) for side in pairs.sides], _PATTERNS[name])
    found["phone"] = _either(pairs, phones, _PHONE)
    return found


def _either(pairs: Pairs, candidates: Sequence[Places], pattern: re.Pattern[str]) -> Flags:
    """Pairs with a side that matches a pattern, of those whose side is a candidate."""
    found = np.zeros(len(pairs), dtype=np.bool_)
    for side, places in zip(pairs.sides, candidates, strict=True):
        for place, text in zip(places.tolist(), side.some(places), strict=True):
            found[place] |= pattern.search(text) is not None
    return found


def _with_any(side: Side, marks: Iterable[tuple[bytes, bytes]]) -> Places:
    """Rows that hold one of these signs, with the byte behind it where there is one."""
    data, found = side.rows.data, []
    for sign, behind in marks:
        at = np.flatnonzero(data == sign[0])
        found.append(at[data[at + 1] == behind[0]] if behind else at)
    return np.unique(side.rows.row_of(np.concatenate(found)))


def _numbers(side: Side) -> tuple[Hashes, Places]:
    """A hash of the runs of digits of every row, whatever their order; and how many digits there are."""
    rows = side.rows
    values = rows.data - np.uint8(ord("0"))
    at = np.flatnonzero(values < np.uint8(10))
    ends = np.searchsorted(at, rows.ends)
    if not len(at):
        return np.zeros(len(rows.ends), dtype=np.uint64), ends
    first = np.ones(len(at), dtype=np.bool_)
    first[1:] = at[1:] != at[:-1] + 1
    runs = np.flatnonzero(first)
    place_in_run = np.arange(len(at)) - runs[np.cumsum(first) - 1]
    digits = (values[at].astype(np.uint64) + np.uint64(1)) * _NUMBER_BASE ** place_in_run.astype(np.uint64)
    hashes = mixed(np.add.reduceat(digits, runs))
    sums = np.concatenate((np.zeros(1, dtype=np.uint64), np.cumsum(hashes)))
    return np.diff(sums[np.searchsorted(runs, ends)], prepend=np.uint64(0)), np.diff(ends, prepend=0)


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
