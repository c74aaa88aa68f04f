"""The step cache: a step that succeeded with the same request on the same content is not run again.

It differs from the service's cache on purpose. The service keys on addresses and lets whole step types out; here the
key is made of content, so Processing, Training and RegisterModel steps are all safe to reuse, and an entry dies with
the outputs it names.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from pipeline.local.files import write_atomically
from pipeline.local.store import Store

REUSABLE = ("Processing", "Training", "RegisterModel")
EXECUTION_PLACEHOLDER = "<execution>"


@dataclass(frozen=True)
class Entry:
    """What a step left. `outputs` and `checkpoints` map the address of each object to its sha256."""

    step: str
    execution_id: str
    job_name: str
    log_folder: str
    describe: Mapping[str, Any]
    outputs: Mapping[str, str] = field(default_factory=dict)
    checkpoint_uri: str = ""
    checkpoints: Mapping[str, str] = field(default_factory=dict)


class Sums:
    """sha256 of store objects, remembered by size and modification time in a file, so that each is read once."""

    def __init__(self, path: Path, store: Store) -> None:
        self._path = path
        self._store = store
        try:
            self._known: dict[str, list[Any]] = dict(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            self._known = {}

    def below(self, uri: str) -> dict[str, str]:
        """Sum of every object below an address, by its relative key."""
        return {name: self._sum(path) for name, path in self._store.objects(uri).items()}

    def holds(self, sums: Mapping[str, str]) -> bool:
        """Is every object of the mapping (address to sum) still there and unchanged?"""
        paths = {self._store.path(uri): sha256 for uri, sha256 in sums.items()}
        return all(path.is_file() and self._sum(path) == sha256 for path, sha256 in paths.items())

    def save(self) -> None:
        """Keep what was learnt for the next run."""
        write_atomically(self._path, self._known)

    def _sum(self, path: Path) -> str:
        status = path.stat()
        mark = [status.st_size, status.st_mtime_ns]
        name = path.relative_to(self._store.root).as_posix()
        known = self._known.get(name)
        if known and known[:2] == mark:
            return str(known[2])
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        self._known[name] = [*mark, sha256]
        return sha256


@dataclass(frozen=True)
class Cache:
    """Entries below one folder, one file per key."""

    root: Path
    sums: Sums

    def find(self, key: str) -> Entry | None:
        """The entry of a key, None where there is none or an object it names is gone or changed."""
        try:
            entry = Entry(**json.loads((self.root / f"{key}.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        return entry if self.sums.holds(entry.outputs) and self.sums.holds(entry.checkpoints) else None

    def keep(self, key: str, entry: Entry) -> None:
        """Remember a step that succeeded."""
        write_atomically(self.root / f"{key}.json", asdict(entry))
        self.sums.save()


def step_key(
    kind: str,
    request: Mapping[str, Any],
    *,
    sums: Sums,
    restored: str,
    code_version: str,
    execution_ids: Iterable[str],
) -> str:
    """The cache key: sha256 over step type, request, content of the inputs, code, and the checkpoints restored.

    Inputs count by content, wherever they lie. In all other text the ids of known executions are replaced by a
    placeholder, since an address with the id in it names the same place of another execution.
    """
    by_content = _with_content(kind, request, sums)
    text = json.dumps([kind, by_content, restored, code_version], sort_keys=True, ensure_ascii=False)
    for execution_id in execution_ids:
        text = text.replace(execution_id, EXECUTION_PLACEHOLDER)
    return hashlib.sha256(text.encode()).hexdigest()


def content_sum(sums: Mapping[str, str]) -> str:
    """One sum for several objects; empty for none."""
    return hashlib.sha256(json.dumps(sums, sort_keys=True).encode()).hexdigest() if sums else ""


def code_version(folder: Path) -> str:
    """sha256 over the names and bytes of a package's files, compiled ones left out.

    The libraries it uses are not in it: after an upgrade of theirs, force the steps or begin a new work directory.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _with_content(kind: str, request: Mapping[str, Any], sums: Sums) -> Any:
    """The request with each input address replaced by the sum of what lies there."""
    if kind == "RegisterModel":
        return _replace_addresses(request, sums)
    names = {"Processing": "ProcessingInputs", "Training": "InputDataConfig"}
    return {name: _replace_addresses(value, sums) if name == names[kind] else value for name, value in request.items()}


def _replace_addresses(value: Any, sums: Sums) -> Any:
    if isinstance(value, Mapping):
        return {key: _replace_addresses(item, sums) for key, item in value.items()}
    if isinstance(value, list):
        return [_replace_addresses(item, sums) for item in value]
    if isinstance(value, str) and value.startswith("s3://"):
        return content_sum(sums.below(value)) or value
    return value
