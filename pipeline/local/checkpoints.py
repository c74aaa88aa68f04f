"""Checkpoint synchronisation as a training job's CheckpointConfig promises it: restored at start, copied while it runs.

Files are copied one by one in no promised order and deletions are copied too ("If a checkpoint is deleted in the
container, it will also be deleted in S3", developer guide, "Checkpoints in Amazon SageMaker AI"), so a checkpoint in
the store may be incomplete at any moment. A step that must know whether one is whole has to seal it itself.
"""

from __future__ import annotations

import random
import shutil
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from pipeline.local.store import Copy, Store, regular_files

Mark = tuple[int, int]  # size in bytes, modification time in nanoseconds


class CheckpointSync:
    """Keeps an S3 prefix equal to a folder while a `with` block runs, then makes one last pass.

    `problem` says, after the block, why the last pass could not copy everything; it is empty when it could. `copy`
    does the copying of one file; `seed` decides the order of the files.
    """

    def __init__(
        self,
        store: Store,
        folder: Path,
        uri: str,
        *,
        every_seconds: float,
        seed: str,
        copy: Copy = shutil.copyfile,
    ) -> None:
        self.problem = ""
        self._store = store
        self._folder = folder
        self._uri = uri.rstrip("/")
        self._every_seconds = every_seconds
        self._random = random.Random(seed)  # noqa: S311  (an order, not a secret)
        self._copy = copy
        self._sent: dict[str, Mark] = {}
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="checkpoint-sync", daemon=True)

    def restore(self) -> int:
        """Copy what lies under the prefix into the folder, and return the number of files. None at all is well."""
        self._folder.mkdir(parents=True, exist_ok=True)
        files = self._store.download(f"{self._uri}/", self._folder)
        self._sent = {name: _mark(file) for name, file in regular_files(self._folder)}
        return len(files)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        self._thread.join()
        problems = self.synchronise()
        self.problem = "; ".join(problems)

    def _run(self) -> None:
        while not self._end.wait(self._every_seconds):
            self.synchronise()

    def synchronise(self) -> list[str]:
        """One pass: copy new and changed files, delete what is gone. Returns what was left for the next pass."""
        problems = []
        local = dict(regular_files(self._folder))
        names = sorted(local)
        self._random.shuffle(names)
        for name in names:
            try:
                mark = _mark(local[name])
                if self._sent.get(name) != mark:
                    self._store.put(local[name], f"{self._uri}/{name}", self._copy_unchanged)
                    self._sent[name] = mark
            except FileNotFoundError:
                continue
            except OSError as error:
                problems.append(f"{name}: {error}")
        for name in sorted(self._sent.keys() - local.keys()):
            try:
                self._store.delete(f"{self._uri}/{name}")
                del self._sent[name]
            except OSError as error:
                problems.append(f"{name}: {error}")
        return problems

    def _copy_unchanged(self, source: Path, target: Path) -> None:
        before = _mark(source)
        self._copy(source, target)
        if _mark(source) != before:
            raise OSError("it changed while it was being copied")


def _mark(file: Path) -> Mark:
    status = file.stat()
    return status.st_size, status.st_mtime_ns
