"""Sealed checkpoints: nothing counts as a checkpoint until everything in it is proven, and its sums are written last."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from steps import job
from steps.contract import ADAPTER_CONFIG, ADAPTER_WEIGHTS, SEAL, RunIdentity, Seal, load, save
from steps.sums import damaged_files, list_files

NAME = re.compile(r"checkpoint-(\d+)")
NEEDED = (ADAPTER_WEIGHTS, ADAPTER_CONFIG, "optimizer.pt", "scheduler.pt", "trainer_state.json", "rng_state.pth")


@dataclass(frozen=True)
class Sealed:
    """A checkpoint whose seal agrees with its files."""

    folder: Path
    seal: Seal


def validate(folder: Path) -> None:
    """Raises Refused unless every file is there and the adapter's tensors can be read and are finite."""
    missing = [name for name in NEEDED if not (folder / name).is_file()]
    if missing:
        raise job.Refused(f"{folder.name} lacks {', '.join(missing)}")
    try:
        tensors = load_file(folder / ADAPTER_WEIGHTS)
    except (OSError, SafetensorError) as error:
        raise job.Refused(f"{folder.name}/{ADAPTER_WEIGHTS} cannot be read: {error}") from error
    if not tensors:
        raise job.Refused(f"{folder.name}/{ADAPTER_WEIGHTS} holds no tensors")
    broken = [name for name, tensor in tensors.items() if not torch.isfinite(tensor).all()]
    if broken:
        raise job.Refused(f"{folder.name}/{ADAPTER_WEIGHTS} is not finite in {broken[0]}")


def seal(
    folder: Path,
    *,
    step: int,
    loss: float,
    probe_loss: float,
    seconds_used: float,
    job: str,
    job_seconds: float,
    identity: RunIdentity,
) -> Seal:
    """Validate a checkpoint and write its seal, the last file to appear in it."""
    validate(folder)
    result = Seal(
        step=step,
        loss=loss,
        probe_loss=probe_loss,
        seconds_used=seconds_used,
        job=job,
        job_seconds=job_seconds,
        identity=identity,
        files=list_files(folder),
    )
    save(folder / SEAL, result)
    return result


def open_sealed(folder: Path) -> Sealed:
    """A checkpoint proven whole. Raises Refused with the reason when it is not."""
    if not (folder / SEAL).is_file():
        raise job.Refused(f"{folder.name} is not sealed")
    found = load(folder / SEAL, Seal)
    damaged = damaged_files(folder, found.files)
    if damaged:
        raise job.Refused(f"{folder.name} is damaged: {'; '.join(damaged[:3])}")
    return Sealed(folder, found)


def newest_sealed(root: Path, identity: RunIdentity) -> tuple[Sealed | None, list[str]]:
    """The newest whole checkpoint of this run below a folder (or the folder itself), and why others were passed over.

    Each one passed over also gives an event, so that the log says it too.
    """
    candidates = [path for path in root.iterdir() if NAME.fullmatch(path.name)] if root.is_dir() else []
    if (root / SEAL).is_file():
        candidates.append(root)
    found: list[Sealed] = []
    reasons: list[str] = []
    for path in sorted(candidates):
        try:
            sealed = open_sealed(path)
            refuse_other_run(sealed.seal.identity, identity, path.name)
            found.append(sealed)
        except job.Refused as error:
            reasons.append(str(error))
            job.event("checkpoint_skipped", checkpoint=path.name, reason=str(error))
    return max(found, key=lambda item: item.seal.step, default=None), reasons


def refuse_other_run(sealed: RunIdentity, ours: RunIdentity, name: str) -> None:
    """Raises Refused naming every way in which a checkpoint belongs to a run with other settings."""
    theirs, mine = sealed.model_dump(), ours.model_dump()
    different = [
        f"{key} {theirs[key]} instead of {mine[key]}" for key in mine if key != "tokens" and theirs[key] != mine[key]
    ]
    if sealed.tokens != ours.tokens:
        different.append("other token shards")
    if different:
        raise job.Refused(f"{name} was made with {', '.join(different)}")


def steps_on_disk(root: Path) -> list[int]:
    """Steps of the sealed checkpoints below a folder, in order."""
    matches = ((NAME.fullmatch(path.name), path) for path in root.iterdir()) if root.is_dir() else ()
    return sorted(int(match.group(1)) for match, path in matches if match and (path / SEAL).is_file())
