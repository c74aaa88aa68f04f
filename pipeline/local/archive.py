"""model.tar.gz and output.tar.gz, byte for byte the same for the same files."""

from __future__ import annotations

import gzip
import tarfile
from pathlib import Path

from pipeline.local.store import regular_files


def write_archive(folder: Path, target: Path) -> None:
    """Pack the regular files below a folder, in name order, without times and owners.

    Equal folders give equal archives, so a step that reads one is found in the cache. Compression is the fastest:
    weights hardly shrink.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with (
        target.open("wb") as raw,
        gzip.GzipFile("", "wb", 1, raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name, file in sorted(regular_files(folder)):
            entry = tarfile.TarInfo(name)
            entry.size = file.stat().st_size
            entry.mode = 0o755 if file.stat().st_mode & 0o100 else 0o644
            with file.open("rb") as content:
                archive.addfile(entry, content)
