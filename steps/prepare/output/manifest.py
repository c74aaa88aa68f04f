"""The manifest, written last: where it is, the splits are whole."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from pathlib import Path

from steps.contract import (
    BENCHMARKS,
    DATA_REPORT,
    DROPPED,
    PREPARED,
    SPLITS,
    CorpusManifest,
    DataReport,
    FileEntry,
    PreparedManifest,
    save,
)
from steps.sums import sha256_file
from steps.version import STEPS, code_version

LIBRARIES = ("ftfy", "numpy", "polars", "pyarrow", "pycld2", "regex", "xxhash")
PREPARE = Path(__file__).parents[1]
BESIDE = (STEPS / "contract" / "corpus.py", STEPS / "languages.py", STEPS / "prompt.py")


def write_manifest(
    manifest: CorpusManifest, splits: Path, report_folder: Path, report: DataReport, benchmarks: Sequence[Path] = ()
) -> PreparedManifest:
    """Write `manifest.json` beside the splits and return it.

    It sums every file this preparation wrote, and no other: the two folders may be one, and may hold more.
    """
    kinds = ("parquet", "jsonl") if report.options.get("jsonl") else ("parquet",)
    written = [splits / f"{split}.{kind}" for kind in kinds for split in SPLITS]
    written += [report_folder / DROPPED, report_folder / DATA_REPORT]
    prepared = PreparedManifest(
        corpus_fingerprint=manifest.fingerprint,
        inputs=manifest.files,
        options=report.options,
        languages=report.languages,
        seed=report.seed,
        code=preparation_version(),
        counts={
            "rows_in": report.rows_in,
            "dropped": sum(rule.dropped for rule in report.rules),
            "rows_out": report.rows_out,
            **report.splits,
        },
        files=[_entry(path.name, path) for path in written]
        + [_entry(f"{BENCHMARKS}/{path.name}", path) for path in benchmarks],
    )
    save(splits / PREPARED, prepared)
    return prepared


def _entry(name: str, path: Path) -> FileEntry:
    return FileEntry(path=name, bytes=path.stat().st_size, sha256=sha256_file(path))


def preparation_version() -> str:
    """The version of all that decides the bytes: the preparation's sources, those `BESIDE` it, and what touches the text."""
    return code_version(PREPARE, beside=BESIDE, libraries=LIBRARIES, more=unicodedata.unidata_version)
