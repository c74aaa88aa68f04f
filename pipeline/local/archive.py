"""A folder as the archive that the platform makes of it."""

from __future__ import annotations

from pathlib import Path

from pipeline.local.store import regular_files
from steps.archive import pack


def write_archive(folder: Path, target: Path) -> None:
    """Pack the regular files below a folder.

    Equal folders give equal archives, so a step that reads one is found in the cache.
    """
    pack(regular_files(folder), target)
