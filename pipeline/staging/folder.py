"""Writes a published folder so that it is either whole or not there: built under a hidden name, then renamed."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from pipeline.errors import AsusuError, BadInput
from steps import contract, sums
from steps.contract import AnyReport, FileEntry
from steps.job import Refused

PIECE = 1 << 20  # bytes read at once


@contextmanager
def workplace(into: Path) -> Iterator[Path]:
    """A hidden folder inside `into`, removed in the end whatever happens. Raises BadInput where nothing can be written."""
    place = into / f".partial-{uuid4().hex[:12]}"
    try:
        place.mkdir(parents=True)
    except OSError as error:
        raise BadInput(
            f"cannot write to {into}: {error.strerror or error}", hint="give a folder that you may write to"
        ) from error
    try:
        yield place
    except OSError as error:
        raise AsusuError(
            f"cannot write to {into}: {error.strerror or error}; nothing was left there",
            hint="free some disk space and try again",
        ) from error
    finally:
        shutil.rmtree(place, ignore_errors=True)


def settle(place: Path, into: Path, manifest: AnyReport, fingerprint: str) -> AnyReport:
    """Write the manifest and move the finished folder to `into/<fingerprint>`.

    A whole folder of that name is left as it is, and its manifest returned; a damaged one is replaced.
    """
    target = into / fingerprint
    existing = whole(target, type(manifest))
    if existing is not None:
        return existing
    contract.save(place / contract.MANIFEST, manifest)
    if target.exists():
        target.replace(place / ".damaged")
    place.replace(target)
    shutil.rmtree(target / ".damaged", ignore_errors=True)
    return manifest


def whole(folder: Path, kind: type[AnyReport]) -> AnyReport | None:
    """The manifest of a published folder whose files are all there with the right sums, else None."""
    if not (folder / contract.MANIFEST).is_file():
        return None
    try:
        manifest = contract.load(folder / contract.MANIFEST, kind)
    except Refused:
        return None
    files: list[FileEntry] = getattr(manifest, "files", [])
    return None if sums.damaged_files(folder, files) else manifest


def copy(source: Path, target: Path, seen: Callable[[int], None] = lambda count: None) -> None:
    """Copy a file's bytes in pieces; `seen` is told the size of each."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with source.open("rb") as reading, target.open("wb") as writing:
        while piece := reading.read(PIECE):
            writing.write(piece)
            seen(len(piece))
