"""What is published to an account: folders with a manifest, made and checked on this machine first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.errors import BadInput
from pipeline.staging.base_model import Progress, stage_base_model
from pipeline.staging.corpus import UNSTATED, parse_spec, publish_corpus
from pipeline.staging.folder import whole
from pipeline.staging.inputs import Bucket
from steps.contract import MANIFEST, BaseModelManifest, FileEntry


@dataclass(frozen=True)
class Ready:
    """A whole folder and where it belongs: below the bucket, and in which parameter."""

    parameter: Literal["CorpusUri", "BaseModelUri"]
    folder: Path
    prefix: str
    name: str
    files: list[FileEntry]


def ready_corpus(
    bucket: Bucket,
    corpora: Sequence[str],
    languages: tuple[str, str],
    *,
    benchmarks: Sequence[str] = (),
    licence: str = UNSTATED,
) -> Ready:
    """A corpus as a content-hashed folder. Raises BadInput for what the readers of the steps refuse."""
    manifest = publish_corpus(
        [parse_spec(item, licence) for item in corpora],
        languages,
        bucket.path / "corpora",
        [parse_spec(item) for item in benchmarks],
    )
    prefix = f"corpora/{manifest.fingerprint}"
    return Ready("CorpusUri", bucket.path / prefix, prefix, manifest.name, manifest.files)


def ready_base_model(bucket: Bucket, source: str, *, revision: str = "", progress: Progress | None = None) -> Ready:
    """A base model as a content-hashed folder: a staged one as it is, anything else staged here first.

    Raises BadInput for a staged folder that is not whole, and for what cannot be a base model.
    """
    folder = Path(source)
    if (folder / MANIFEST).is_file():
        found = whole(folder, BaseModelManifest)
        if found is None:
            raise BadInput(
                f"{source} has a {MANIFEST}, but is not a whole staged base model",
                hint="stage it again: asusu stage-base-model",
            )
        return Ready("BaseModelUri", folder, f"base-models/{found.fingerprint}", found.name, found.files)
    made = stage_base_model(source, bucket.path / "base-models", revision=revision or None, progress=progress)
    prefix = f"base-models/{made.fingerprint}"
    return Ready("BaseModelUri", bucket.path / prefix, prefix, made.name, made.files)
