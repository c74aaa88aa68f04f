"""Checkpoints written: nothing counts as one until everything in it is proven, and its sums are written last."""

from __future__ import annotations

import math
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from steps import job
from steps.contract import SEAL, RunIdentity, Seal, save
from steps.sums import list_files
from steps.train.checkpoints import sealed_steps
from steps.train.clock import Clock
from steps.train.contents import INCOMPLETE, Expected, validate


def refuse_unwritable(root: Path) -> None:
    """Raises Refused where nothing can be written, before hours are spent on what could not be kept."""
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root) as file:
            file.write(b"checkpoints")
            file.flush()
    except OSError as error:
        raise job.Refused(
            f"checkpoints cannot be written to {root}: {error}. Make it a folder that this job may write to, and start again."
        ) from error


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Around the writing and sealing of a checkpoint: Refused, with what is left, where a file cannot be written.

    An earlier attempt may have left files here. They are written over; should a seal be among them, it holds the sums of
    the old bytes and vouches for no others, until the new one takes its place.
    """
    try:
        (folder / INCOMPLETE).unlink(missing_ok=True)
        yield
    except (OSError, RuntimeError, SafetensorError) as error:  # RuntimeError: torch's, from a full disk
        kept = sealed_steps(folder.parent)
        raise job.Refused(
            f"{folder.name} cannot be written: {error} ({_free(folder.parent)}). "
            f"{f'The checkpoint of step {kept[-1]} is whole' if kept else 'There is no earlier checkpoint'}. "
            "Make room or mend the folder, and start again: it goes on from there."
        ) from error


def seal(
    folder: Path,
    *,
    step: int,
    loss: float,
    probe_loss: float,
    clock: Clock,
    identity: RunIdentity,
    expected: Expected,
) -> Seal:
    """Validate a checkpoint and write its seal, the last file to appear in it. Raises Refused for one that is not whole.

    All files are on the disk itself before the seal is, so that a power cut cannot leave a seal without them.
    """
    validate(folder, step, expected)
    if not (math.isfinite(loss) and math.isfinite(probe_loss)):
        raise job.Refused(f"{folder.name} is not sealed: its loss is {loss}, on the fixed batch {probe_loss}")
    for path in folder.rglob("*"):
        if path.is_file():
            _flush(path)
    result = Seal(
        step=step,
        loss=loss,
        probe_loss=probe_loss,
        seconds_used=clock.run_seconds,
        job=clock.job,
        job_seconds=clock.job_seconds,
        identity=identity,
        files=list_files(folder),
        own_sha256="",
    ).stamped()
    save(folder / SEAL, result)
    _flush(folder)
    _flush(folder.parent)
    return result


def _free(folder: Path) -> str:
    try:
        return f"{shutil.disk_usage(folder).free / 2**20:,.1f} MiB are free"
    except OSError as error:
        return str(error)


def _flush(path: Path) -> None:
    """Have a file's bytes, or the names in a folder, written to the disk itself."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
