"""The columns of the written files, made from those of the shards."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import pyarrow as pa

from steps.job import Refused

RESERVED = ("id", "row")  # names of columns that are language codes too: Indonesian, and Dela-Oenale


def refuse_reserved(codes: Sequence[str]) -> None:
    """Raise Refused for a language code that is also the name of another column of the written files."""
    for code in codes:
        if code in RESERVED:
            raise Refused(
                f"language code {code!r} is also the name of a column of the splits: write it with its region or"
                f" script, e.g. {code}-Latn, in the corpus and in the configuration"
            )


def split_schema(codes: tuple[str, str]) -> pa.Schema:
    """Columns of `<split>.parquet`: where a pair comes from, and its two sentences."""
    return pa.schema([(name, pa.string()) for name in ("id", "source", *codes)])


def dropped_schema(codes: tuple[str, str]) -> pa.Schema:
    """Columns of dropped.parquet; `row` counts the rows of the source from 1."""
    texts = [(name, pa.string()) for name in ("rule", "value", *codes)]
    return pa.schema([("id", pa.string()), ("source", pa.string()), ("row", pa.int64()), *texts])


def split_columns(kept: pa.Table, codes: tuple[str, str]) -> pa.Table:
    """Rows of tables.KEPT as rows of a split."""
    columns = [ids(kept), kept.column("source"), kept.column("left"), kept.column("right")]
    return pa.table(columns, names=["id", "source", *codes])


def dropped_columns(dropped: pa.Table, codes: tuple[str, str]) -> pa.Table:
    """Rows of tables.DROPPED as rows of dropped.parquet."""
    names = ("source", "number", "rule", "value", "left", "right")
    columns = [ids(dropped), *(dropped.column(name) for name in names)]
    return pa.table(columns, names=["id", "source", "row", "rule", "value", *codes])


def ids(rows: pa.Table) -> pa.Array:
    """`<source>:<number>` of each row. Polars makes them in a third of Arrow's time."""
    frame = pl.DataFrame(pl.from_arrow(rows.select(["source", "number"])))
    joined = frame.select(pl.concat_str("source", pl.lit(":"), pl.col("number").cast(pl.String))).to_series()
    return joined.to_arrow().cast(pa.string())
