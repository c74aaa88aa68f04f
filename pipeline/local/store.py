"""The S3 look-alike: `s3://bucket/key` is the file `<root>/bucket/key`. No server, no account.

Objects are never changed in place: each is written under a temporary name in its folder and then renamed, so a reader
never sees half an object and a hard link to one is as good as a copy. Differences from S3: an object and a folder
cannot share a name, and a prefix means a folder or one whole object, never the beginning of a name.
"""

from __future__ import annotations

import os
import re
import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import BadInput, StepFailed

URI = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(.*))?", re.DOTALL)
KEY_LIMIT = 1024  # bytes of UTF-8, Amazon S3 user guide, "Naming Amazon S3 objects"
PARTIAL = ".asusu-partial-"  # begins the temporary name of an object being written

Copy = Callable[[Path, Path], object]


@dataclass(frozen=True)
class Address:
    """The two halves of an S3 address; `key` may be empty or end in `/`."""

    bucket: str
    key: str


def parse_uri(uri: str) -> Address:
    """Read `s3://bucket/key`. Raises BadInput for another form, and for keys that a folder cannot hold faithfully."""
    match = URI.fullmatch(uri)
    if not match:
        raise BadInput(f"{uri!r} is not an S3 address", hint="write s3://bucket/key")
    key = match[2] or ""
    names = key.removesuffix("/").split("/") if key else []
    if "" in names:
        raise BadInput(
            f"{uri!r} has two slashes in a row, which S3 takes as a name of its own: nothing would be found there",
            hint="give the address without a slash at its end",
        )
    if any(name in (".", "..") or "\0" in name for name in names) or len(key.encode()) > KEY_LIMIT:
        raise BadInput(f"{uri!r}: a key has no '.' or '..' among its names and at most {KEY_LIMIT} bytes")
    return Address(match[1], key)


@dataclass(frozen=True)
class Store:
    """All buckets below one folder."""

    root: Path

    def path(self, uri: str) -> Path:
        """Where an address lies on this machine, whether or not anything is there."""
        address = parse_uri(uri)
        return self.root / address.bucket / address.key

    def exists(self, uri: str) -> bool:
        """Is there an object at this address, or at least one below it?"""
        return next(self._found(uri), None) is not None

    def objects(self, uri: str) -> dict[str, Path]:
        """Objects below an address by their relative key, in key order. A single object is listed by its own name."""
        return dict(sorted(self._found(uri)))

    def _found(self, uri: str) -> Iterator[tuple[str, Path]]:
        path = self.path(uri)
        if path.is_file() and not uri.endswith("/"):
            yield path.name, path
        elif path.is_dir():
            yield from regular_files(path)

    def read_text(self, uri: str) -> str:
        """The text of one object. Raises StepFailed with its address where it is missing or not UTF-8."""
        path = self.path(uri)
        if not path.is_file():
            raise StepFailed(f"there is no object {uri}", hint=f"look below {path.parent}")
        try:
            return path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise StepFailed(f"{uri} is not UTF-8 text: {error}") from error

    def put(self, file: Path, uri: str, copy: Copy = shutil.copyfile) -> None:
        """Make one file the object at an address."""
        _place(file, self.path(uri), copy)

    def upload(self, folder: Path, uri: str) -> list[str]:
        """Copy every regular file below a folder to below an address; returns the addresses.

        Symbolic links are not followed, neither to files nor to folders: the service does not follow them either.
        """
        base = uri.rstrip("/")
        written = []
        for name, file in sorted(regular_files(folder)):
            self.put(file, f"{base}/{name}")
            written.append(f"{base}/{name}")
        return written

    def download(self, uri: str, folder: Path) -> list[Path]:
        """Copy the objects below an address (or the one object at it) into a folder; returns the files written.

        Real copies and not links: a job may write into its input, and that must not reach the store.
        """
        folder.mkdir(parents=True, exist_ok=True)
        written = []
        for name, file in self.objects(uri).items():
            _place(file, folder / name, shutil.copyfile)
            written.append(folder / name)
        return written

    def link(self, source: str, target: str) -> None:
        """Make the object at `source` the object at `target` too, as a hard link where the file system has them."""
        _place(self.path(source), self.path(target), _link_or_copy)

    def delete(self, uri: str) -> None:
        """Remove one object, if it is there, and the folders it leaves empty."""
        path = self.path(uri)
        path.unlink(missing_ok=True)
        for folder in path.parents:
            if folder == self.root or not folder.is_dir() or any(folder.iterdir()):
                return
            folder.rmdir()


def regular_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """(name relative to the folder, path) of each regular file below it; no links, no unfinished objects."""
    for parent, folders, names in os.walk(folder, followlinks=False):
        folders[:] = [name for name in folders if not (Path(parent) / name).is_symlink()]
        for name in names:
            path = Path(parent) / name
            if path.is_file() and not path.is_symlink() and not name.startswith(PARTIAL):
                yield path.relative_to(folder).as_posix(), path


def _place(source: Path, target: Path, copy: Copy) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f"{PARTIAL}{uuid.uuid4().hex}")
    try:
        copy(source, temporary)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copyfile(source, target)
