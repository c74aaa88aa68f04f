"""Opening a published corpus: its files are the ones that were published, and the manifest does not contradict itself."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from steps import contract, sums
from steps.job import Refused
from steps.prepare.sources import open_corpus

LANGUAGES = ("en", "ig")


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A folder with one TSV source and one benchmark."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.tsv").write_bytes(b"en\tig\nx\ty\n")
    (tmp_path / "data" / "b.jsonl").write_bytes(b'{"en": "x", "ig": "y"}\n')
    source = {"name": "a", "licence": "x", "format": "tsv", "paths": ["data/a.tsv"], "lines": 1}
    manifest = {
        "kind": "corpus", "name": "a", "languages": LANGUAGES, "sources": [source], "pairs": 1, "words": {},
        "files": [entry.model_dump() for entry in sums.list_files(tmp_path)], "fingerprint": "none",
        "benchmarks": [source | {"name": "b", "format": "jsonl", "paths": ["data/b.jsonl"]}],
    }  # fmt: skip
    (tmp_path / contract.MANIFEST).write_text(json.dumps(manifest))
    return tmp_path


def test_a_whole_corpus_is_opened_with_its_benchmarks_and_for_either_direction(published: Path) -> None:
    assert [source.name for source in open_corpus(published, LANGUAGES).benchmarks] == ["b"]
    assert open_corpus(published, ("ig", "en")).pairs == 1


def test_a_corpus_without_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"cannot read manifest\.json"):
        open_corpus(tmp_path, LANGUAGES)


def test_a_corpus_of_other_languages_is_refused(published: Path) -> None:
    with pytest.raises(Refused, match="the corpus holds en-ig, this pipeline needs en-sw"):
        open_corpus(published, ("en", "sw"))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.unlink(), r"data/b\.jsonl is missing"),
        (lambda path: path.write_bytes(b""), r"data/b\.jsonl has 0 bytes instead of 23"),
        (lambda path: path.write_bytes(b'{"en": "x", "ig": "z"}\n'), r"data/b\.jsonl does not match its sha256"),
    ],
)
def test_a_damaged_file_is_refused_by_name(published: Path, damage: Callable[[Path], object], message: str) -> None:
    damage(published / "data" / "b.jsonl")
    with pytest.raises(Refused, match=message):
        open_corpus(published, LANGUAGES)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda manifest: manifest["files"].clear(),
            r"data/a\.tsv has no sum in the manifest; data/b\.jsonl has no sum",
        ),
        (lambda manifest: manifest["sources"].append(manifest["sources"][0]), "source name a is used twice"),
        (lambda manifest: manifest["benchmarks"][0].update(name="a"), "source name a is used twice"),
        (lambda manifest: manifest["sources"][0].update(format="moses"), "source a lists 1 files instead of 2"),
        (lambda manifest: manifest["benchmarks"][0]["paths"].append("data/a.tsv"), "b lists 2 files instead of 1"),
        (lambda manifest: manifest.pop("pairs"), r"manifest\.json is not a valid CorpusManifest: pairs"),
    ],
)
def test_a_manifest_that_contradicts_itself_is_refused(
    published: Path, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    manifest = json.loads((published / contract.MANIFEST).read_text())
    change(manifest)
    (published / contract.MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(Refused, match=message):
        open_corpus(published, LANGUAGES)
