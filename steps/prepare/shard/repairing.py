"""Finds the few texts that may need repair, over all rows at once, and repairs those alone."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from steps.prepare.characters import CODE_POINTS, Flags, Places, Rows, join, matching
from steps.prepare.shard.mojibake import may_be_mojibake
from steps.prepare.shard.repair import CONTROLS, JOINERS, NAMES, WITHOUT_WIDTH, repair

SPACE, DELETE = 0x20, 0x7F


@dataclass(frozen=True)
class Repaired:
    """Texts after repair, the same as one buffer, and per repair the rows that it changed."""

    texts: pa.Array
    rows: Rows
    changed: dict[str, Flags]


def repair_all(texts: pa.Array) -> Repaired:
    """Repair the rows of a large_string array, as `repair` does it one by one."""
    rows = join(texts)
    changed = {name: np.zeros(len(texts), dtype=np.bool_) for name in NAMES}
    suspects = suspicious(rows)
    mended = np.zeros(len(texts), dtype=np.bool_)
    new: list[str] = []
    for row, text in zip(suspects.tolist(), texts.take(pa.array(suspects)).to_pylist(), strict=True):
        repaired, names = repair(text)
        if names:
            mended[row] = True
            new.append(repaired)
            for name in names:
                changed[name][row] = True
    if new:
        texts = pc.replace_with_mask(texts, pa.array(mended), pa.array(new, pa.large_string()))
        rows = join(texts)
    return Repaired(texts, rows, changed)


def suspicious(rows: Rows) -> Places:
    """The rows that a repair may change, ascending: every one that is changed, and a few others."""
    if not len(rows.ends):
        return rows.ends
    data, starts, ends = rows.data, rows.starts, rows.ends
    spaces = data == SPACE
    controls = (data < SPACE) | (data == DELETE)
    controls[ends[-1] + 1 :] = False
    controls[:-1] |= spaces[:-1] & spaces[1:]
    found = [
        rows.row_of(np.flatnonzero(controls)),
        np.flatnonzero(spaces[starts] | spaces[ends - 1]),  # of an empty row: the END before it, or the padding
        rows.row_of(_suspicious_characters(rows)),
    ]
    return np.unique(np.concatenate(found))


def _suspicious_characters(rows: Rows) -> Places:
    """Places of characters beyond ASCII that may need repair."""
    places, points = rows.places, rows.points
    if not len(places):
        return places
    always, orders = _character_tables()
    widths = 2 + (points >= 0x800) + (points >= 0x10000)
    following = rows.data[places + widths]
    adjacent = places[:-1] + widths[:-1] == places[1:]
    suspicious = always[points]
    order = orders[points]
    suspicious[1:] |= adjacent & (order[1:] != 0) & (order[:-1] > order[1:])
    suspicious[:-1] |= adjacent & may_be_mojibake(points[:-1], points[1:])
    suspicious |= may_be_mojibake(points, np.where(following == SPACE, np.uint32(SPACE), np.uint32(0)))
    return places[suspicious]


@cache
def _character_tables() -> tuple[Flags, npt.NDArray[np.uint8]]:
    """For every code point: whether it alone may need repair; its canonical combining class (UAX 15)."""
    always = matching(rf"[{CONTROLS}{WITHOUT_WIDTH}{JOINERS}\p{{NFC_QC=No}}\p{{NFC_QC=Maybe}}]|[\s--\u0020]")
    orders = np.zeros(CODE_POINTS, dtype=np.uint8)
    for point in np.flatnonzero(matching(r"\p{M}")).tolist():
        orders[point] = unicodedata.combining(chr(point))
    for point in np.flatnonzero(orders).tolist():  # newer characters than Python knows are left to Python
        always[point] |= not unicodedata.is_normalized("NFC", "a" + chr(point))
    return always, orders
