"""The files that the writing pass fills row group by row group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from steps.prepare.output.partial import PartialFile, named
from steps.prepare.output.row_groups import GROUP_ROWS, RowGroups

LEVEL = 3  # of zstd: a quarter smaller than level 1 for 0.2 CPU-seconds a million pairs
PAGE_BYTES = 1024**2
BATCH_ROWS = 10_000  # a page may end behind each batch
DICTIONARIES = ("source", "rule")  # few values, many times; sentences are nearly all different


class Encoder(Protocol):
    """Writes row groups in one format."""

    def write(self, group: pa.Table) -> None: ...
    def close(self) -> None: ...


class ParquetEncoder:
    """Parquet, zstd, one row group a call. Every setting that shapes the bytes is fixed here."""

    def __init__(self, file: Any, schema: pa.Schema) -> None:
        self._schema = schema
        self._writer = pq.ParquetWriter(
            file,
            schema,
            compression="zstd",
            compression_level=LEVEL,
            use_dictionary=[name for name in DICTIONARIES if name in schema.names],
            write_statistics=False,
            data_page_size=PAGE_BYTES,
            write_batch_size=BATCH_ROWS,
        )

    def write(self, group: pa.Table) -> None:
        """One row group."""
        self._writer.write_table(group.cast(self._schema), row_group_size=GROUP_ROWS)

    def close(self) -> None:
        """The footer."""
        self._writer.close()


class JsonlEncoder:
    """One JSON object a line, in the order of the columns."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def write(self, group: pa.Table) -> None:
        """The rows of a group."""
        pl.DataFrame(pl.from_arrow(group)).write_ndjson(self._file)

    def close(self) -> None:
        """Nothing follows the last line."""


@dataclass
class OutputFile:
    """One set of rows and the files it goes to, Parquet and perhaps JSONL."""

    schema: pa.Schema
    groups: RowGroups
    parts: list[tuple[PartialFile, Encoder]] = field(default_factory=list)
    rows: int = 0

    def add(self, table: pa.Table) -> None:
        """Append rows. Raises Refused, naming the file, where the disk fails."""
        self.rows += table.num_rows
        for group in self.groups.add(table):
            self._write(group)

    def finish(self) -> None:
        """Write what waits, and flush it to the disk."""
        for group in self.groups.rest():
            self._write(group)
        for part, encoder in self.parts:
            with named(part.path):
                encoder.close()
            part.seal()

    def discard(self) -> None:
        """Leave nothing behind."""
        for part, encoder in self.parts:
            with suppress(OSError, ValueError):  # a footer on a full disk, or on a closed file
                encoder.close()
            part.discard()

    def _write(self, group: pa.Table) -> None:
        for part, encoder in self.parts:
            with named(part.path):
                encoder.write(group)


@contextmanager
def open_together(outputs: Mapping[Path, pa.Schema], jsonl: Mapping[Path, Path]) -> Iterator[dict[Path, OutputFile]]:
    """Output files by their Parquet path; `jsonl` names a second file for some of them.

    All appear under their names when the block ends well, none when it does not.
    """
    opened: dict[Path, OutputFile] = {}
    try:
        for path, schema in outputs.items():
            output = opened[path] = OutputFile(schema, RowGroups(schema.names[-2:]))
            parquet = PartialFile(path)
            output.parts.append((parquet, ParquetEncoder(parquet.file, schema)))
            if path in jsonl:
                lines = PartialFile(jsonl[path])
                output.parts.append((lines, JsonlEncoder(lines.file)))
        yield opened
        for output in opened.values():
            output.finish()
        for output in opened.values():
            for part, _ in output.parts:
                part.publish()
    except BaseException:
        for output in opened.values():
            output.discard()
        raise
