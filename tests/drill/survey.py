"""Which checkpoints of a folder are whole. The drill's own judgement, which shares no code with the trainer's."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

NAME = re.compile(r"checkpoint-(\d+)")
SEAL = "seal.json"


def survey(folder: Path) -> dict[int, str]:
    """Step of each checkpoint below a folder, with what is wrong with it; an empty text for a whole one."""
    if not folder.is_dir():
        return {}
    named = ((NAME.fullmatch(path.name), path) for path in folder.iterdir())
    return dict(sorted((int(match.group(1)), _problem(path)) for match, path in named if match))


def whole(checkpoints: dict[int, str]) -> list[int]:
    """Steps of the whole ones, in order."""
    return [step for step, problem in checkpoints.items() if not problem]


def _problem(folder: Path) -> str:
    seal = folder / SEAL
    if not seal.is_file():
        return "no seal"
    try:
        files = json.loads(seal.read_bytes())["files"]
        entries = [(str(row["path"]), str(row["sha256"])) for row in files]
    except (ValueError, KeyError, TypeError):
        return "the seal cannot be read"
    for name, digest in entries:
        path = folder / name
        if not path.is_file():
            return f"{name} is missing"
        if hashlib.sha256(path.read_bytes()).hexdigest() != digest:
            return f"{name} has another sum"
    return "" if entries else "the seal names no files"
