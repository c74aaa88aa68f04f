"""Files that appear whole or not at all, several of them together."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from steps.job import Refused


class PartialFile:
    """A file under a temporary name beside its own, open for writing bytes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.temporary = path.with_name(f".{path.name}.partial")
        with named(path):
            self.file: IO[bytes] = self.temporary.open("wb")

    def seal(self) -> None:
        """Flush everything to the disk. Raises Refused where that fails: a full disk often shows only here."""
        with named(self.path):
            self.file.flush()
            os.fsync(self.file.fileno())
            self.file.close()

    def publish(self) -> None:
        """Give the file its own name."""
        with named(self.path):
            self.temporary.replace(self.path)

    def discard(self) -> None:
        """Leave nothing, whatever happened before."""
        with suppress(OSError):
            self.file.close()
        self.temporary.unlink(missing_ok=True)


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Turns a failure of the disk into one that says which file could not be written."""
    try:
        yield
    except OSError as error:
        raise Refused(f"cannot write {path.name}: {error.strerror or error}") from error
