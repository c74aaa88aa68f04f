"""Bytes to text. Rows that are not UTF-8 get U+FFFD for their bad bytes, which the rule "undecodable" then finds."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from steps.prepare.characters import Flags

REPLACEMENT = "\ufffd"
ROWS_AT_ONCE = 64  # looked through one by one when one of them is bad


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
    """Rows that do not decode. Few are bad, so most groups of rows are passed by Arrow, which is fast."""
    bad = np.zeros(len(raw), dtype=np.bool_)
    for start in range(0, len(raw), ROWS_AT_ONCE):
        group = raw.slice(start, ROWS_AT_ONCE)
        try:
            group.cast(pa.large_string())
        except pa.ArrowInvalid:
            bad[start : start + len(group)] = [not _is_utf8(item) for item in group.to_pylist()]
    return bad


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
