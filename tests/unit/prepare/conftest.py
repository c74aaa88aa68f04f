"""Lays out a published corpus as the platform mounts it and runs the step on it, in this process."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow.parquet as pq
import pytest

from steps import contract, sums
from steps.contract import CorpusManifest, CorpusSource, DataReport
from steps.prepare.__main__ import main

TSV = bytes
MOSES = tuple[bytes, bytes]


@dataclass(frozen=True)
class Prepared:
    """What one run of the step left behind."""

    root: Path
    events: list[dict[str, Any]]

    @property
    def outputs(self) -> dict[str, bytes]:
        """Bytes of every output file, by name."""
        folder = self.root / "processing" / "output"
        return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}

    @property
    def report(self) -> DataReport:
        """The data report."""
        return contract.load(self.root / "processing/output/data-report" / contract.DATA_REPORT, DataReport)

    def split(self, name: str) -> list[dict[str, str]]:
        """Rows of a split."""
        rows: list[dict[str, str]] = pq.read_table(self.root / f"processing/output/splits/{name}.parquet").to_pylist()
        return rows

    @property
    def kept(self) -> list[dict[str, str]]:
        """Rows of all splits."""
        return [row for name in contract.SPLITS for row in self.split(name)]

    @property
    def dropped(self) -> list[dict[str, Any]]:
        """Rows of the file of dropped rows."""
        path = self.root / "processing/output/data-report" / contract.DROPPED
        rows: list[dict[str, Any]] = pq.read_table(path).to_pylist()
        return rows


def publish(root: Path, sources: dict[str, TSV | MOSES], languages: tuple[str, str]) -> Path:
    """Write sources and their manifest where the corpus input is mounted; return the mounted folder."""
    folder = root / "processing" / "input" / "corpus"
    (folder / contract.CORPUS_DATA).mkdir(parents=True)
    listed = []
    for name, content in sources.items():
        kind: Literal["tsv", "moses"] = "tsv" if isinstance(content, bytes) else "moses"
        endings = ("tsv",) if isinstance(content, bytes) else languages
        paths = [f"{contract.CORPUS_DATA}/{name}.{ending}" for ending in endings]
        for path, part in zip(paths, (content,) if isinstance(content, bytes) else content, strict=True):
            (folder / path).write_bytes(part)
        first = content if isinstance(content, bytes) else content[0]
        lines = len(first.removesuffix(b"\n").split(b"\n")) - (kind == "tsv")
        listed.append(CorpusSource(name=name, licence="CC0-1.0", format=kind, paths=paths, lines=max(1, lines)))
    files = sums.list_files(folder)
    manifest = CorpusManifest(
        name="test corpus",
        languages=list(languages),
        sources=listed,
        files=files,
        pairs=sum(source.lines for source in listed),
        words=dict.fromkeys(languages, 1),
        fingerprint=sums.fingerprint_of(files),
    )
    contract.save(folder / contract.MANIFEST, manifest)
    return folder


@pytest.fixture
def published(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Publishes sources in a fresh container root and sets the step's environment; returns the root."""

    def make(sources: dict[str, TSV | MOSES], languages: tuple[str, str] = ("en", "ig"), seed: int = 17) -> Path:
        root = tmp_path_factory.mktemp("container")
        publish(root, sources, languages)
        environment = {
            "SAGEMAKER_BASE_DIR": str(root),
            "Seed": str(seed),
            "SourceLanguage": "en",
            "TargetLanguage": "ig",
            "PrepareOptions": json.dumps({"identify": False}),  # the pairs are made of letters drawn by chance
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return root

    return make


@pytest.fixture
def prepare(published: Callable[..., Path], capsys: pytest.CaptureFixture[str]) -> Callable[..., Prepared]:
    """Publishes sources and runs the step on them."""

    def run(sources: dict[str, TSV | MOSES], **options: Any) -> Prepared:
        root = published(sources, **options)
        main()
        return Prepared(root, [json.loads(line) for line in capsys.readouterr().out.splitlines()])

    return run


@pytest.fixture
def clean_pairs() -> Callable[[int], list[tuple[str, str]]]:
    """Makes pairs that no rule hits and of which no two are near-copies."""

    def make(count: int) -> list[tuple[str, str]]:
        chance = random.Random(7)
        words = ["".join(chance.choices("abdefghijklmnoprtuvwyz", k=6)) for _ in range(400)]
        return [(" ".join(chance.choices(words, k=8)), " ".join(chance.choices(words, k=8))) for _ in range(count)]

    return make


@pytest.fixture
def tsv() -> Callable[[list[tuple[str, str]]], bytes]:
    """Writes pairs as a TSV file with a header."""

    def make(pairs: list[tuple[str, str]]) -> bytes:
        return "".join(f"{left}\t{right}\n" for left, right in [("en", "ig"), *pairs]).encode()

    return make
