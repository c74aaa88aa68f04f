"""model.tar.gz and output.tar.gz, byte for byte the same for the same files."""

from __future__ import annotations

import gzip
import tarfile
from collections.abc import Iterable
from pathlib import Path


def pack(files: Iterable[tuple[str, Path]], target: Path) -> None:
    """Pack files under their names, in name order, without times and owners; under another name until it is whole.

    Equal files give equal archives. Compression is the fastest: weights hardly shrink.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.partial")
    try:
        with (
            temporary.open("wb") as raw,
            gzip.GzipFile("", "wb", 1, raw, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
        ):
            for name, file in sorted(files):
                entry = tarfile.TarInfo(name)
                entry.size = file.stat().st_size
                entry.mode = 0o755 if file.stat().st_mode & 0o100 else 0o644
                with file.open("rb") as content:
                    archive.addfile(entry, content)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
