"""Bytes to text. Rows that are not UTF-8 get U+FFFD for their bad bytes, which the rule "undecodable" then finds."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from steps.prepare.characters import Flags

REPLACEMENT = "\ufffd"


def decode(raw: pa.Array) -> pa.Array:
    """A binary array as large_string; nulls become empty texts."""
    raw = pc.fill_null(raw, b"")
    try:
        return raw.cast(pa.large_string())  # checks every row
    except pa.ArrowInvalid:
        bad = _not_utf8(raw)
    mended = [item.as_py().decode("utf-8", errors="replace") for item in raw.filter(pa.array(bad))]
    without = pc.if_else(pa.array(bad), pa.scalar(b"", pa.large_binary()), raw).cast(pa.large_string())
    return pc.replace_with_mask(without, pa.array(bad), pa.array(mended, pa.large_string()))


def _not_utf8(raw: pa.Array) -> Flags:
    """Rows that do not decode. Halves are asked, since a cast of many rows is as fast as of one and few rows are bad."""
    bad = np.zeros(len(raw), dtype=np.bool_)
    ranges = [(0, len(raw))]
    while ranges:
        start, stop = ranges.pop()
        try:
            raw.slice(start, stop - start).cast(pa.large_string())
        except pa.ArrowInvalid:
            if stop - start == 1:
                bad[start] = True
            else:
                middle = (start + stop) // 2
                ranges += [(start, middle), (middle, stop)]
    return bad
