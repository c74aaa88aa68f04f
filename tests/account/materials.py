"""What an engineer publishes into an account: the phrasebook's first pairs as a table, and a base model of a minute."""

from __future__ import annotations

from pathlib import Path

from pipeline.staging.base_model import stage_base_model
from pipeline.staging.phrasebook import corpus

PAIRS = 700
STEPS = 30  # of the base model's own training


def make_materials(folder: Path) -> tuple[Path, Path]:
    """A corpus file and the folder of a staged base model, below a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    table = folder / "phrases.tsv"
    lines = ["id\ten\tig", *("\t".join(row) for row in list(corpus())[:PAIRS])]
    table.write_bytes(("\n".join(lines) + "\n").encode("utf-8"))
    manifest = stage_base_model("tiny", folder / "base", steps=STEPS)
    return table, folder / "base" / manifest.fingerprint
