"""The bundled corpus as a file, ready to be published like any other corpus."""

from __future__ import annotations

from pathlib import Path

from pipeline.staging.corpus import CorpusSpec
from pipeline.staging.phrasebook.generate import corpus

FILE = "phrasebook.en-ig.tsv"
LICENCE = "Apache-2.0"  # written for this project


def write_tsv(path: Path, seed: int = 17) -> None:
    """Write the corpus with the header `id, en, ig`: UTF-8, LF, no quoting."""
    lines = ["id\ten\tig", *("\t".join(row) for row in corpus(seed))]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(("\n".join(lines) + "\n").encode())


def bundled_spec(folder: Path) -> CorpusSpec:
    """Write the corpus into a folder and say what it is."""
    path = folder / FILE
    write_tsv(path)
    return CorpusSpec("phrasebook", LICENCE, "tsv", (path,))
