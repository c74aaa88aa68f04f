"""Writes the files of one source and reads them, in this process."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import zstandard

from steps.contract import CorpusManifest, CorpusSource
from steps.prepare.sources.reading import read_pairs

Row = tuple[bytes, bytes, str | None, str | None]
LANGUAGES = ("en", "ig")


@pytest.fixture
def rows() -> Callable[[Iterable[Any]], list[Row]]:
    """The rows of tables: left, right, flaw, value."""

    def run(tables: Iterable[Any]) -> list[Row]:
        names = ("left", "right", "flaw", "value")
        return [row for table in tables for row in zip(*(table[name].to_pylist() for name in names), strict=True)]

    return run


@pytest.fixture
def read(tmp_path: Path, rows: Callable[..., list[Row]]) -> Callable[..., list[Row]]:
    """Writes one source, a Moses pair where two contents are given, and reads its rows."""

    def run(
        content: bytes | tuple[bytes, bytes],
        kind: str = "tsv",
        languages: tuple[str, str] = LANGUAGES,
        file_languages: tuple[str, str] = LANGUAGES,
        name: str = "",
    ) -> list[Row]:
        if isinstance(content, bytes):
            paths = [tmp_path / (name or f"a.{kind}")]
            paths[0].write_bytes(content)
            return rows(read_pairs(kind, paths, file_languages, languages))
        paths = [tmp_path / f"a.{language}" for language in file_languages]
        for path, part in zip(paths, content, strict=True):
            path.write_bytes(part)
        return rows(read_pairs("moses", paths, file_languages, languages))

    return run


@pytest.fixture
def corpus(tmp_path: Path) -> Callable[..., tuple[Path, CorpusManifest]]:
    """Writes Moses and TSV sources with their manifest; returns the folder and the manifest. No sums are made."""

    def make(
        sources: dict[str, bytes | tuple[bytes, bytes]],
        lines: int | None = None,
        languages: tuple[str, str] = LANGUAGES,
    ) -> tuple[Path, CorpusManifest]:
        listed = []
        for name, content in sources.items():
            parts = (content,) if isinstance(content, bytes) else content
            paths = [f"{name}.{number}" for number in range(len(parts))]
            for path, part in zip(paths, parts, strict=True):
                (tmp_path / path).write_bytes(part)
            count = len(parts[0].splitlines()) - isinstance(content, bytes) if lines is None else lines
            kind = "tsv" if isinstance(content, bytes) else "moses"
            listed.append(CorpusSource(name=name, licence="CC0-1.0", format=kind, paths=paths, lines=count))
        manifest = CorpusManifest(
            name="test",
            languages=list(languages),
            sources=listed,
            files=[],
            pairs=sum(source.lines for source in listed),
            words=dict.fromkeys(languages, 1),
            fingerprint="none",
        )
        return tmp_path, manifest

    return make


@pytest.fixture
def compressed() -> dict[str, Callable[[bytes], bytes]]:
    """Compression, by its suffix."""
    return {"gz": gzip.compress, "zst": zstandard.ZstdCompressor().compress}
