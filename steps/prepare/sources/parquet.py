"""Parquet: a column per language code, or a struct column `translation` with a field per language code."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from steps.prepare.sources import lines, streams
from steps.prepare.sources.lines import binary_array, clip, data_of, offsets_of
from steps.prepare.sources.pairs import Marks
from steps.prepare.sources.records import NESTED, remedy
from steps.prepare.sources.refusal import Unreadable, some

BATCH_ROWS = 32_768
MAGIC = b"PAR1"


def read_parquet(path: Path, languages: tuple[str, str]) -> Iterator[pa.Table]:
    """Tables of `pairs.PAIRS`. A null is a blank.

    Raises Unreadable for what is no Parquet file, for columns that are missing or hold no text, and for damage.
    """
    _refuse_others(path)
    try:
        with pq.ParquetFile(path) as file:
            names = _columns(path, file.schema_arrow, languages)
            for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=names):
                if len(batch):
                    yield _table(batch, names)
            if file.metadata.num_rows == 0:
                raise Unreadable(path, "has columns and no pair in them", "give a file with at least one pair")
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise Unreadable(path, f"is damaged: {error}", "download or copy it again") from error


def _refuse_others(path: Path) -> None:
    with path.open("rb") as file:
        start = file.read(len(MAGIC))
        size = file.seek(0, 2)
        file.seek(max(0, size - len(MAGIC)))
        end = file.read()
    if not start:
        raise Unreadable(path, "is empty", "give a file with at least one pair")
    if start != MAGIC:
        if streams.is_compressed(path):
            raise Unreadable(path, "is compressed as a whole; Parquet compresses what is in it", "unpack it")
        raise Unreadable(path, "is no Parquet file", "give its real format, or write it again")
    if end != MAGIC:
        raise Unreadable(
            path, f"is cut off: it ends after {size:,} bytes without its footer", "download or copy it again"
        )


def _columns(path: Path, schema: pa.Schema, languages: tuple[str, str]) -> list[str]:
    """Paths of the two languages' columns."""
    found = {field.name: field.type for field in schema}
    nested = found.get(NESTED)
    if nested is not None and pa.types.is_struct(nested):
        found = {f"{NESTED}.{field.name}": field.type for field in nested}
        names = [f"{NESTED}.{language}" for language in languages]
    else:
        names = list(languages)
    missing = [name for name in names if schema.names.count(name.split(".", 1)[0]) != 1 or name not in found]
    if missing:
        raise Unreadable(
            path, f"has no single column {' and '.join(missing)}. Columns found: {some(list(found))}", remedy(languages)
        )
    odd = [f"{name} ({found[name]})" for name in names if not _is_text(found[name])]
    if odd:
        raise Unreadable(path, f"holds no text in {' and '.join(odd)}", "write these columns as strings")
    return names


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return any(
        test(kind)
        for test in (
            pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view,
            pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view,
        )
    )  # fmt: skip


def _table(batch: pa.RecordBatch, names: list[str]) -> pa.Table:
    marks, sides, sizes = Marks(len(batch)), [], []
    for name in names:
        column, _, field = name.partition(".")
        values = batch.column(column)
        if pa.types.is_struct(values.type):
            values = pc.struct_field(values, field)
        if pa.types.is_dictionary(values.type):
            values = values.cast(values.type.value_type)
        texts = values.cast(pa.large_binary()).fill_null(b"")
        sizes.append(np.diff(offsets_of(texts)))
        sides.append(_clipped(texts) if (sizes[-1] > lines.MAX_LINE_BYTES).any() else texts)
    marks.too_long(*sizes)
    return marks.table(*sides)


def _clipped(texts: pa.LargeBinaryArray) -> pa.LargeBinaryArray:
    """The texts, with those over MAX_LINE_BYTES clipped as lines are."""
    offsets, data = offsets_of(texts), data_of(texts)
    found = [data[start:end] for start, end in pairwise(offsets)]
    kept = [
        clip(text[: lines.KEPT_BYTES + 1].tobytes()) if len(text) > lines.MAX_LINE_BYTES else text.tobytes()
        for text in found
    ]
    ends = np.cumsum([0, *map(len, kept)], dtype=np.int64)
    return binary_array(ends, b"".join(kept))
