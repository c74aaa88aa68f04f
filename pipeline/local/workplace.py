"""The work directory, and the lock that lets one run or one decision at a time use it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.errors import BadInput

LOCK = "runner.lock"


@contextmanager
def locked(workdir: Path) -> Iterator[None]:
    """Create the work directory if need be and hold its lock; the lock ends with the process, however it ends.

    Raises BadInput where the directory cannot be written, and, naming the process, where another run or decision holds it.
    """
    try:
        workdir.mkdir(parents=True, exist_ok=True)
        file = (workdir / LOCK).open("a+", encoding="utf-8")
    except OSError as error:
        raise BadInput(
            f"cannot write to the work directory {workdir}: {error.strerror}", hint="choose another with --workdir"
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise BadInput(
                f"process {file.read().strip() or 'unknown'} is using {workdir}: a run, or a decision on a version",
                hint="wait for it, stop it, or choose another directory with --workdir",
            ) from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
