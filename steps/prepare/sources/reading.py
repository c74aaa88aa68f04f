"""Reads a source of any format: the one place that knows them all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa

from steps.contract import CorpusSource
from steps.job import Refused
from steps.prepare.options import PrepareOptions
from steps.prepare.sources.jsonl import read_jsonl
from steps.prepare.sources.moses import read_moses
from steps.prepare.sources.pairs import numbered, resized
from steps.prepare.sources.parquet import read_parquet
from steps.prepare.sources.refusal import Unreadable
from steps.prepare.sources.tmx import read_tmx
from steps.prepare.sources.tsv import read_tsv

READERS = {"tsv": read_tsv, "jsonl": read_jsonl, "tmx": read_tmx, "parquet": read_parquet}


def read_pairs(
    kind: str, paths: Sequence[Path], file_languages: Sequence[str], languages: tuple[str, str]
) -> Iterator[pa.Table]:
    """Tables of `pairs.PAIRS` of one source, as its reader makes them; `left` is `languages[0]`.

    `file_languages` says in which order a Moses source lists its files. Raises Unreadable for what a reader refuses and
    for a source without a pair.
    """
    if kind == "moses":
        by_language = dict(zip(file_languages, paths, strict=True))
        tables = read_moses(by_language[languages[0]], by_language[languages[1]])
    else:
        tables = READERS[kind](paths[0], languages)
    rows = 0
    for table in tables:
        rows += len(table)
        yield table
    if not rows:
        raise Unreadable(paths[0], "has a header and no pair below it", "add at least one pair")


def read_source(
    source: CorpusSource,
    folder: Path,
    manifest_languages: Sequence[str],
    languages: tuple[str, str],
    options: PrepareOptions,
) -> Iterator[pa.Table]:
    """All rows of a published source as tables with the columns of `tables.CUT` but `row`; `number` counts from 1.

    A table has one chunk, and at most `shard_pairs` rows and `shard_bytes` of text, or one row. Raises Refused for what
    cannot be read and, at the end, when the source does not hold as many pairs as its manifest says.
    """
    paths = [folder / path for path in source.paths]
    rows = 0
    tables = numbered(read_pairs(source.format, paths, manifest_languages, languages))
    for table in resized(tables, options.shard_pairs, options.shard_bytes):
        rows += len(table)
        yield table
    if rows != source.lines:
        raise Refused(
            f"source {source.name} holds {rows:,} pairs, its manifest says {source.lines:,}. Publish the corpus again."
        )
