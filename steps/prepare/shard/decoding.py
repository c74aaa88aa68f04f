"""Bytes to text. Rows that are not UTF-8 get U+FFFD for their bad bytes, which the rule "undecodable" then finds."""

from __future__ import annotations

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from steps.prepare.characters import Flags

REPLACEMENT = "\ufffd"
ROWS_AT_ONCE = 64  # looked through one by one when one of them is bad


def decode(raw: pa.Array) -> pa.Array:
    """A binary array as large_string; nulls become empty texts."""
    raw = pc.fill_null(raw, b"")
    bad = _not_utf8(raw)
    if bad.any():
        mended = [item.decode("utf-8", errors="replace").encode() for item in raw.filter(pa.array(bad)).to_pylist()]
        raw = pc.replace_with_mask(raw, pa.array(bad), pa.array(mended, pa.large_binary()))
    return pc.cast(raw, options=pc.CastOptions(pa.large_string(), allow_invalid_utf8=True))  # every row was checked


def _not_utf8(raw: pa.Array) -> Flags:
    """Rows that do not decode. Few are bad, so most groups of rows are passed by Polars, which is fast."""
    bad = np.zeros(len(raw), dtype=np.bool_)
    texts = pl.Series(raw)
    for start in range(0, len(raw), ROWS_AT_ONCE):
        group = texts.slice(start, ROWS_AT_ONCE)
        try:
            group.cast(pl.String)
        except pl.exceptions.ComputeError:
            bad[start : start + len(group)] = [not _is_utf8(item) for item in group]
    return bad


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
