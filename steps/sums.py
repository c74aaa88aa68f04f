"""Sums of files: what manifests and seals are made of, and how damage is found."""

from __future__ import annotations

import hashlib
from pathlib import Path

from steps.contract import MANIFEST, SEAL, FileEntry


def sha256_file(path: Path) -> str:
    """sha256 of a file's bytes, in hex, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def list_files(folder: Path) -> list[FileEntry]:
    """Every regular file below a folder, in name order, with size and sum. Manifests and hidden files are left out."""
    entries = []
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder).as_posix()
        if path.is_file() and relative not in (MANIFEST, SEAL) and not path.name.startswith("."):
            entries.append(FileEntry(path=relative, bytes=path.stat().st_size, sha256=sha256_file(path)))
    return entries


def fingerprint_of(files: list[FileEntry]) -> str:
    """One sum for a list of files: sha256 over their names and sums, in order."""
    text = "".join(f"{entry.path}\0{entry.sha256}\n" for entry in files)
    return hashlib.sha256(text.encode()).hexdigest()


def damaged_files(folder: Path, files: list[FileEntry]) -> list[str]:
    """Files of the list that are missing or differ in size or sum, each with the reason."""
    problems = []
    for entry in files:
        path = folder / entry.path
        if not path.is_file():
            problems.append(f"{entry.path} is missing")
        elif path.stat().st_size != entry.bytes:
            problems.append(f"{entry.path} has {path.stat().st_size} bytes instead of {entry.bytes}")
        elif sha256_file(path) != entry.sha256:
            problems.append(f"{entry.path} does not match its sha256")
    return problems
