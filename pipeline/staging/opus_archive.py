"""Unpacks an archive of OPUS: the two sides of the corpus and its LICENSE and README, nothing else and nowhere else."""

from __future__ import annotations

import re
import shutil
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pipeline.errors import AsusuError

PIECE = 1 << 20  # bytes written at once
LARGEST_TEXT = 16 * 1024**2  # bytes; the README of NLLB v1 is 0.4 MB
TEXTS = ("LICENSE", "README")
ENCRYPTED = 0x1  # bit 0 of the general purpose flags, APPNOTE.TXT 4.4.4
TAGS = re.compile(r"<[^>]*>")

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Unpacked:
    """What an archive held: lines (LF) of each side, and the licence that its README or LICENSE states, or ''."""

    lines: dict[str, int]
    licence: str


def unpack(archive: Path, sides: tuple[str, str], into: Path, report: Progress) -> Unpacked:
    """Write the members named `sides`, and LICENSE and README where there are any, into the folder `into`.

    Sizes are bounded by the archive's own directory, and that by the free disk. Raises AsusuError for what is no archive,
    for one that is damaged, encrypted or without the sides, and for one that names files outside a folder.
    """
    try:
        with zipfile.ZipFile(archive) as file:
            members = _members(file, sides)
            total = sum(member.file_size for member in members.values())
            _refuse_too_large(total, into)
            done = 0
            lines: dict[str, int] = {}
            for name, member in members.items():
                for size, ends in _extract(file, member, into / name):
                    done += size
                    lines[name] = lines.get(name, 0) + ends
                    report(done, total, "bytes")
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise AsusuError(
            f"the archive is damaged or no zip file at all: {error}", hint="run the same command again to fetch it anew"
        ) from error
    return Unpacked({side: lines.get(side, 0) for side in sides}, stated_licence(into))


def _members(file: zipfile.ZipFile, sides: tuple[str, str]) -> dict[str, zipfile.ZipInfo]:
    """The members to write, by the name they get."""
    listed = file.infolist()
    outside = [item.filename for item in listed if _leaves_folder(item.filename)]
    if outside:
        raise AsusuError(
            f"the archive names a file outside its folder, {outside[0]!r}: nothing was unpacked",
            hint="do not use it; whoever packed it means harm or has a broken tool",
        )
    by_name = {item.filename: item for item in listed}
    missing = [side for side in sides if side not in by_name]
    if missing:
        names = ", ".join(sorted(by_name)[:8]) or "nothing"
        raise AsusuError(
            f"the archive has no {' and no '.join(missing)}; it holds: {names}",
            hint="check that this release of the corpus has this language pair in Moses format",
        )
    wanted = {side: by_name[side] for side in sides}
    wanted |= {text: by_name[text] for text in TEXTS if text in by_name and by_name[text].file_size <= LARGEST_TEXT}
    locked = [name for name, item in wanted.items() if item.flag_bits & ENCRYPTED]
    if locked:
        raise AsusuError(
            f"{', '.join(locked)} in the archive is encrypted", hint="OPUS encrypts nothing; do not use it"
        )
    empty = [side for side in sides if wanted[side].file_size == 0]
    if empty:
        raise AsusuError(f"{' and '.join(empty)} in the archive is empty", hint="choose another release or corpus")
    return wanted


def _leaves_folder(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts or ":" in path.parts[0] if path.parts else False


def _refuse_too_large(total: int, into: Path) -> None:
    free = shutil.disk_usage(into).free
    if total > free:
        raise AsusuError(
            f"unpacked the corpus is {total / 1e9:,.1f} GB, and {into} has {free / 1e9:,.1f} GB left",
            hint="make room, or give another folder with --into, and run the same command again",
        )


def _extract(file: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path) -> Iterator[tuple[int, int]]:
    """Write one member; bytes and line ends of every piece. `zipfile` stops at the announced size and checks the CRC."""
    with file.open(member) as reading, path.open("wb") as writing:
        while piece := reading.read(PIECE):
            writing.write(piece)
            yield len(piece), piece.count(b"\n")


def stated_licence(folder: Path) -> str:
    """The `License:` line of the README that OPUS packs, without its markup; else the first line of LICENSE; else ''."""
    readme, licence = folder / "README", folder / "LICENSE"
    if readme.is_file():
        for line in readme.read_text(encoding="utf-8", errors="replace").split("\n"):
            name, colon, value = line.partition(":")
            if colon and name.strip().lower() in ("license", "licence"):
                stated = " ".join(TAGS.sub(" ", value).split())
                if stated and stated.lower() not in ("empty", "unknown"):
                    return stated
    if licence.is_file():
        lines = licence.read_text(encoding="utf-8", errors="replace").split("\n")
        return next((" ".join(line.split()) for line in lines if line.strip()), "")
    return ""
