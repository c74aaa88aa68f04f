"""Where a preparation is written: beside its final place under a hidden name, and moved there when it is whole.

    .NAME.partial-<key>/{input,work,out}      key: a sum over all that decides the bytes

A call with the same key after a kill finds its finished shards. An earlier preparation stays until the new one is whole.
"""

from __future__ import annotations

import fcntl
import glob
import hashlib
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipeline.errors import AsusuError, BadInput
from steps.contract import DATA_REPORT, PREPARED, DataReport, PreparedManifest, load
from steps.job import Refused, write_json
from steps.sums import damaged_files

KEY = ".key.json"  # beside the splits: which call made them
PAGE = "data-report.html"
OURS = {PREPARED, DATA_REPORT, PAGE, KEY}
LOCK = "lock"


def key_of(facts: dict[str, Any]) -> str:
    """A sum over everything that decides the bytes of a preparation."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:16]


def refuse_occupied(out: Path) -> None:
    """Raises BadInput unless `out` is free, empty, or an earlier preparation and nothing else."""
    if not out.exists() and not out.is_symlink():
        return
    if not out.is_dir():
        raise BadInput(f"{out} is a file", hint="give --out a folder that does not exist yet")
    present = sorted(path.name for path in out.iterdir())
    if not present:
        return
    manifest = read_manifest(out)
    if manifest is None:
        raise BadInput(
            f"{out} is not empty and holds no earlier preparation (no {PREPARED} of one): nothing was touched",
            hint="give --out a new folder, or empty this one yourself",
        )
    strange = [name for name in present if name not in OURS | {entry.path for entry in manifest.files}]
    if strange:
        raise BadInput(
            f"{out} holds an earlier preparation and also {', '.join(strange[:5])}, which replacing it would remove",
            hint="move that away, or give --out a new folder",
        )


def read_manifest(out: Path) -> PreparedManifest | None:
    """The manifest of a preparation, None where there is none."""
    try:
        return load(out / PREPARED, PreparedManifest)
    except Refused:
        return None


def finished(out: Path, key: str) -> DataReport | None:
    """The report of a preparation that a call with this key finished and whose files are whole, else None."""
    manifest = read_manifest(out)
    try:
        made_by = json.loads((out / KEY).read_text(encoding="utf-8"))["key"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if manifest is None or made_by != key or damaged_files(out, manifest.files):
        return None
    return load(out / DATA_REPORT, DataReport)


def partial_of(out: Path, key: str) -> Path:
    """The hidden folder of a call."""
    return out.parent / f".{out.name}.partial-{key}"


def abandoned(out: Path, key: str) -> list[Path]:
    """Hidden folders that interrupted calls with other inputs or options left."""
    return sorted(
        path for path in out.parent.glob(f".{glob.escape(out.name)}.partial-*") if path != partial_of(out, key)
    )


@contextmanager
def held(folder: Path, option: str = "--out") -> Iterator[None]:
    """Create a folder of a call if need be and hold it for this process. Raises BadInput where another one works in it.

    `option` named the place that the folder is in.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / LOCK).open("w", encoding="utf-8")
    except OSError as error:
        raise BadInput(
            f"cannot write to {folder.parent}: {error.strerror or error}",
            hint=f"give {option} a place you may write to",
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BadInput(
                "another process is at the same preparation right now", hint="wait for it, or stop it"
            ) from error
        yield


def settle(partial: Path, out: Path, key: str) -> None:
    """Move the finished preparation to its place; an earlier one there goes only now. The hidden folder goes too.

    Raises BadInput when somebody has put something else there meanwhile, and AsusuError when it cannot be moved.
    """
    fresh, earlier = partial / "out", partial / "earlier"
    try:
        write_json(fresh / KEY, {"key": key})
        if out.is_symlink():
            out = out.resolve()
        refuse_occupied(out)  # again: hours may have passed
        if out.exists():
            out.replace(earlier)
        try:
            fresh.replace(out)
        except OSError:
            if earlier.exists():
                earlier.replace(out)
            raise
    except BadInput as error:
        raise BadInput(f"{error.message}; the finished preparation lies in {fresh}", hint=error.hint) from error
    except OSError as error:
        raise AsusuError(
            f"cannot move the finished preparation to {out}: {error.strerror or error}; it lies in {fresh}",
            hint=f"move it yourself: mv {fresh} {out}",
        ) from error
    shutil.rmtree(partial, ignore_errors=True)
