"""Translations that an interrupted evaluation had finished, kept where the platform gives a folder for that.

Only the local run does (`ASUSU_KEEP`); a processing job of the service has no folder that outlives it, and translates anew.
A file holds the translations of one system in one direction; its name is a sum over all that decides them, so another
adapter, prompt or limit never meets them.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = "ASUSU_KEEP"


@dataclass
class Kept:
    """Translations by source sentence. Without a file nothing is kept, and nothing found."""

    file: Path | None
    found: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def open(cls, *decides: str) -> Kept:
        """What was kept of the system that `decides` describes: weights, prompt, direction and limits."""
        folder = os.environ.get(FOLDER)
        if not folder:
            return cls(None)
        name = hashlib.sha256(json.dumps(decides).encode()).hexdigest()
        file = Path(folder) / f"translations-{name[:32]}.jsonl"
        return cls(file, _read(file))

    def add(self, sources: Sequence[str], translations: Sequence[str]) -> None:
        """Append finished sentences. A line that a kill cut short is passed over when read."""
        if self.file is None:
            return
        self.file.parent.mkdir(parents=True, exist_ok=True)
        with self.file.open("a", encoding="utf-8") as file:
            file.writelines(
                json.dumps([source, translation], ensure_ascii=False) + "\n"
                for source, translation in zip(sources, translations, strict=True)
            )


def _read(file: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    if not file.is_file():
        return found
    with file.open("rb") as lines:
        for line in lines:
            try:
                source, translation = json.loads(line)
            except ValueError:
                continue
            if line.endswith(b"\n"):
                found[source] = translation
    return found
