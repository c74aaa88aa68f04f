"""Parquet files of the step, each written under a temporary name, flushed and renamed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from steps.contract import SPLITS
from steps.prepare.row import Row
from steps.prepare.rules import Dropped


def text_columns(rows: Sequence[Row], languages: tuple[str, str]) -> dict[str, pa.Array]:
    """One column of sentences per language code."""
    return {
        language: pa.array([row.texts[side] for row in rows], pa.string()) for side, language in enumerate(languages)
    }


def write_table(path: Path, columns: dict[str, pa.Array]) -> None:
    """Write one zstd Parquet file: a reader sees the whole file or none. Equal columns make equal bytes."""
    temporary = path.with_name(f".{path.name}.partial")
    with temporary.open("wb") as file:
        pq.write_table(pa.table(columns), file, compression="zstd")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def write_splits(
    folder: Path, rows: Sequence[Row], splits: Mapping[str, list[int]], languages: tuple[str, str]
) -> dict[str, Path]:
    """Write `<split>.parquet` with columns `id`, `source` and one per language; return the files by split."""
    files = {split: folder / f"{split}.parquet" for split in SPLITS}
    for split, path in files.items():
        chosen = [rows[place] for place in splits[split]]
        columns = {
            "id": pa.array([row.id for row in chosen], pa.string()),
            "source": pa.array([row.source for row in chosen], pa.string()),
        }
        write_table(path, columns | text_columns(chosen, languages))
    return files


def write_dropped(path: Path, dropped: Sequence[Dropped], languages: tuple[str, str]) -> None:
    """Write every dropped row with its place, the rule that hit it and both repaired texts."""
    rows = [row for row, _ in dropped]
    columns = {
        "id": pa.array([row.id for row in rows], pa.string()),
        "source": pa.array([row.source for row in rows], pa.string()),
        "row": pa.array([row.number for row in rows], pa.int64()),
        "rule": pa.array([rule for _, rule in dropped], pa.string()),
    }
    write_table(path, columns | text_columns(rows, languages))
