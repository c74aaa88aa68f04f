"""Finds the few texts that may need repair, over all rows at once, and repairs those alone."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from steps.prepare.characters import CODE_POINTS, Bits, Flags, Places, Rows, join, matching
from steps.prepare.shard.mojibake import leading, may_be_mojibake
from steps.prepare.shard.repair import CONTROLS, JOINERS, NAMES, WITHOUT_WIDTH, compose, repair

SPACE, DELETE = 0x20, 0x7F
STRANGE, LEAD, UNCOMPOSED, MARKED = 1, 2, 4, 8  # bits of a code point: why it may need repair


@dataclass(frozen=True)
class Repaired:
    """Texts after repair, the same as one buffer, and per repair the rows that it changed."""

    texts: pa.Array
    rows: Rows
    changed: dict[str, Flags]


@dataclass(frozen=True)
class Suspects:
    """Rows that a repair may change, ascending: every one that is changed, and a few others."""

    any: Places  # for any reason
    uncomposed: Places  # for characters that NFC may change, and no other reason


def repair_all(texts: pa.Array) -> Repaired:
    """Repair the rows of a large_string array, as `repair` does it one by one."""
    rows = join(texts)
    changed = {name: np.zeros(len(texts), dtype=np.bool_) for name in NAMES}
    suspects = find_suspects(rows)
    mended: dict[int, str] = {}
    for row, text in _some(texts, suspects.uncomposed):
        composed = compose(text)
        if composed != text:
            mended[row] = composed
            changed["nfc"][row] = True
    # Composing may have brought about a pair that looks like mojibake: such texts are repaired with the others
    again = find_suspects(join(pa.array(mended.values(), pa.large_string()))).any
    texts, others = _with(texts, mended), np.array(list(mended), dtype=np.int64)[again]
    for row, text in _some(texts, np.union1d(suspects.any, others)):
        repaired, names = repair(text)
        if names:
            mended[row] = repaired
            for name in names:
                changed[name][row] = True
    texts = _with(texts, mended)
    return Repaired(texts, join(texts) if mended else rows, changed)


def _some(texts: pa.Array, places: Places) -> Iterable[tuple[int, str]]:
    places = places.astype(np.int64)
    return zip(places.tolist(), texts.take(pa.array(places)).to_pylist(), strict=True)


def _with(texts: pa.Array, new: dict[int, str]) -> pa.Array:
    """The texts with some of them replaced."""
    if not new:
        return texts
    mask = np.zeros(len(texts), dtype=np.bool_)
    mask[list(new)] = True
    return pc.replace_with_mask(texts, pa.array(mask), pa.array([new[row] for row in sorted(new)], pa.large_string()))


def find_suspects(rows: Rows) -> Suspects:
    """The rows of a buffer that a repair may change."""
    if not len(rows.ends):
        return Suspects(rows.ends, rows.ends)
    data, starts, ends = rows.data, rows.starts, rows.ends
    spaces = data == SPACE
    controls = data < SPACE
    controls |= data == DELETE
    controls[ends[-1] + 1 :] = False
    controls[:-1] |= spaces[:-1] & spaces[1:]
    strange, uncomposed = _suspicious_characters(rows)
    found = (
        rows.row_of(np.flatnonzero(controls)),
        np.flatnonzero(spaces[starts] | spaces[ends - 1]),  # of an empty row: the END before it, or the padding
        rows.row_of(strange),
    )
    suspects = np.unique(np.concatenate(found))
    return Suspects(suspects, np.setdiff1d(rows.row_of(uncomposed), suspects))


def _suspicious_characters(rows: Rows) -> tuple[Places, Places]:
    """Places of characters beyond ASCII that may need repair, and of those that NFC may change."""
    places, points = rows.places, rows.points
    if not len(places):
        return places, places
    kinds, orders = _character_tables()
    kind = kinds[points]
    strange, uncomposed = (kind & STRANGE) != 0, (kind & UNCOMPOSED) != 0

    leads = np.flatnonzero(kind & LEAD)
    behind = places[leads] + 2 + (points[leads] >= 0x800) + (points[leads] >= 0x10000)
    following = np.minimum(leads + 1, len(places) - 1)
    second = np.where(places[following] == behind, points[following], rows.data[behind])
    strange[leads] |= may_be_mojibake(points[leads], second)

    marks = np.flatnonzero(kind & MARKED)
    marks = marks[marks > 0]
    before = marks - 1
    adjacent = places[before] + 2 + (points[before] >= 0x800) + (points[before] >= 0x10000) == places[marks]
    uncomposed[marks] |= adjacent & (orders[points[before]] > orders[points[marks]])
    return places[strange], places[uncomposed]


@cache
def _character_tables() -> tuple[Bits, Bits]:
    """For every code point: why it may need repair, as bits; its canonical combining class (UAX 15)."""
    kinds = np.where(matching(rf"[{CONTROLS}{WITHOUT_WIDTH}{JOINERS}]|[\s--\u0020]"), STRANGE, 0).astype(np.uint8)
    kinds[leading()] |= LEAD
    kinds[matching(r"\p{NFC_QC=No}|\p{NFC_QC=Maybe}")] |= UNCOMPOSED
    orders = np.zeros(CODE_POINTS, dtype=np.uint8)
    for point in np.flatnonzero(matching(r"\p{M}")).tolist():
        orders[point] = unicodedata.combining(chr(point))
    kinds[orders > 0] |= MARKED
    return kinds, orders
