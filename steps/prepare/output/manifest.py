"""The manifest, written last: where it is, the splits are whole."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
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

PACKAGE = "asusu"
LIBRARIES = ("ftfy", "numpy", "polars", "pyarrow", "pycld2", "regex", "xxhash")
STEPS = Path(__file__).parents[2]
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
        code=code_version(),
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


def code_version(folder: Path = Path(__file__).parents[1], beside: Sequence[Path] = BESIDE) -> str:
    """`<version of the package>+<12 hex digits>` of sha256 over all that decides the bytes.

    That is the preparation's source files and those `beside` it, names and bytes, and the versions of the libraries
    that touch the text.
    """
    try:
        package = version(PACKAGE)
    except PackageNotFoundError:
        package = "unpackaged"
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py"), key=lambda path: path.relative_to(folder).as_posix()):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode() + content)
    for path in beside:
        digest.update(f"{path.name}\0".encode() + path.read_bytes())
    for library in LIBRARIES:
        digest.update(f"{library}\0{version(library)}\0".encode())
    digest.update(unicodedata.unidata_version.encode())
    return f"{package}+{digest.hexdigest()[:12]}"
