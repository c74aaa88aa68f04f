"""Verbs that put inputs where the pipeline expects them: stage-base-model."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline import settings
from pipeline.cli.progress import bar
from pipeline.staging.base_model import stage_base_model as stage
from pipeline.staging.inputs import open_bucket

Workdir = Annotated[Path, typer.Option(help="Everything a local run makes lies here")]
DEFAULT_WORKDIR = Path("work")


def stage_base_model(
    source: Annotated[str, typer.Argument(help="`tiny`, a folder, or a hub id with --revision")],
    revision: Annotated[str, typer.Option(help="Commit of a hub model, 40 hex digits")] = "",
    workdir: Workdir = DEFAULT_WORKDIR,
) -> None:
    """Put a base model where the pipeline expects it, with a sha256 manifest, and print its address."""
    bucket = open_bucket(workdir, settings.load("local").bucket)
    with bar(f"staging {source}") as progress:
        manifest = stage(source, bucket.path / "base-models", revision=revision or None, progress=progress)
    print(f"{manifest.name}: {manifest.parameters:,} parameters, {len(manifest.files)} files")
    print(f"BaseModelUri={bucket.address}/base-models/{manifest.fingerprint}")
