"""Checkpoints read back: whole ones of this run are gone on from, all others are passed over with a reason."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from steps import job
from steps.contract import SEAL, RunIdentity, Seal, load
from steps.sums import damaged_files

NAME = re.compile(r"checkpoint-(\d+)")


@dataclass(frozen=True)
class Sealed:
    """A checkpoint whose seal agrees with its files."""

    folder: Path
    seal: Seal


def open_sealed(folder: Path) -> Sealed:
    """A checkpoint proven whole. Raises Refused with the reason when it is not."""
    if not (folder / SEAL).is_file():
        raise job.Refused(f"{folder.name} is not sealed")
    try:
        found = load(folder / SEAL, Seal)
        damaged = [] if found.is_as_written else [f"{SEAL} does not match its own sum"]
        damaged += damaged_files(folder, found.files)
    except (OSError, job.Refused) as error:
        raise job.Refused(f"{folder.name} is damaged: {error}") from error
    if damaged:
        raise job.Refused(f"{folder.name} is damaged: {'; '.join(damaged[:3])}")
    name = NAME.fullmatch(folder.name)
    if not found.files or (name and int(name.group(1)) != found.step):
        raise job.Refused(f"{folder.name} has the seal of step {found.step} over {len(found.files)} files")
    return Sealed(folder, found)


def newest_sealed(root: Path, identity: RunIdentity) -> tuple[Sealed | None, list[str]]:
    """The newest whole checkpoint of this run below a folder (or the folder itself), and why newer ones were passed over.

    Each one passed over also gives an event, so that the log says it too. Older ones are not read: a week's are 50 GiB.
    """
    reasons: list[str] = []
    for path in _newest_first(root):
        try:
            sealed = open_sealed(path)
            refuse_other_run(sealed.seal.identity, identity, path.name)
        except job.Refused as error:
            reasons.append(str(error))
            job.event("checkpoint_skipped", checkpoint=path.name, reason=str(error))
        else:
            return sealed, reasons
    return None, reasons


def refuse_foreign(root: Path, identity: RunIdentity) -> None:
    """Raises Refused where whole checkpoints of another run lie in this one's folder: it would write over them."""
    for path in _newest_first(root):
        try:
            refuse_other_run(load(path / SEAL, Seal).identity, identity, path.name)
        except job.Refused as error:
            if _is_whole(path):
                raise job.Refused(
                    f"this run's checkpoint folder holds another run's: {error}. They would be written over: "
                    "start with a folder of its own."
                ) from error


def _is_whole(folder: Path) -> bool:
    try:
        open_sealed(folder)
    except job.Refused:
        return False
    return True


def _newest_first(root: Path) -> list[Path]:
    """Checkpoint folders by the step in their name, the last step first; the folder itself where it is one."""
    entries = root.iterdir() if root.is_dir() else ()
    steps = {path: int(match.group(1)) for path in entries if (match := NAME.fullmatch(path.name))}
    return [*sorted(steps, key=lambda path: -steps[path]), *([root] if (root / SEAL).is_file() else [])]


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


def sealed_steps(root: Path) -> list[int]:
    """Steps of the checkpoints below a folder whose seal names files that are there in their sizes, in order."""
    steps = []
    for path in _newest_first(root):
        try:
            found = load(path / SEAL, Seal)
        except job.Refused:
            continue
        files = [(path / entry.path, entry.bytes) for entry in found.files]
        if all(file.is_file() and file.stat().st_size == size for file, size in files):
            steps.append(found.step)
    return sorted(steps)
