"""What a local run mounts: the published corpus, the staged base model and the `none` object, in the run's bucket."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import BadInput
from pipeline.local.store import Store
from pipeline.staging.base_model import Progress, stage_base_model
from pipeline.staging.corpus import parse_spec, publish_corpus
from pipeline.staging.phrasebook import bundled_spec
from steps.contract import MANIFEST, NONE_OBJECT
from steps.job import write_json

NO_CHECKPOINTS = "checkpoints/none"
NONE_FOLDERS = ("champion/{name}", NO_CHECKPOINTS)  # mounted always, and the service refuses an empty prefix


@dataclass(frozen=True)
class Bucket:
    """A bucket of the local store: its address, its folder, and the work directory it lies in."""

    address: str
    path: Path
    workdir: Path


def open_bucket(workdir: Path, name: str) -> Bucket:
    """A bucket below a work directory, made if missing. Raises BadInput where that cannot be written."""
    try:
        workdir.mkdir(parents=True, exist_ok=True)
        probe = workdir / f".write-test-{os.getpid()}"
        probe.touch()
        probe.unlink()
        if not (workdir / ".gitignore").exists():
            (workdir / ".gitignore").write_text("*\n", encoding="utf-8")  # nothing in here belongs into a repository
    except OSError as error:
        raise BadInput(
            f"cannot write to the work directory {workdir}: {error.strerror}", hint="give --workdir"
        ) from error
    return Bucket(f"s3://{name}", Store(workdir / "s3").path(f"s3://{name}"), workdir)


def publish_inputs(
    bucket: Bucket,
    given: Mapping[str, str],
    corpora: Sequence[str],
    base_model: str,
    languages: tuple[str, str],
    progress: Progress,
    *,
    benchmarks: Sequence[str] = (),
) -> dict[str, str]:
    """Publish what the given parameters do not name already; returns CorpusUri and BaseModelUri where it did.

    The champion's folder is not made here: only the registry knows whether there is a champion. The corpus comes first,
    since what is wrong with it is found in seconds and a base model may take a minute.
    """
    if not (bucket.path / NO_CHECKPOINTS).exists():
        write_json(bucket.path / NO_CHECKPOINTS / NONE_OBJECT, {"none": True})
    addresses = {}
    if "CorpusUri" not in given:
        specs = [parse_spec(item) for item in corpora] or [bundled_spec(bucket.workdir)]
        corpus = publish_corpus(specs, languages, bucket.path / "corpora", [parse_spec(item) for item in benchmarks])
        addresses["CorpusUri"] = f"{bucket.address}/corpora/{corpus.fingerprint}"
    if "BaseModelUri" not in given:
        model = stage_base_model(base_model, bucket.path / "base-models", progress=progress)
        addresses["BaseModelUri"] = f"{bucket.address}/base-models/{model.fingerprint}"
    return addresses


def refuse_missing(bucket: Bucket, parameters: Mapping[str, str]) -> None:
    """Raises BadInput for an address among the parameters where nothing lies: found now, not after an hour of training."""
    store = Store(bucket.workdir / "s3")
    for name in ("CorpusUri", "BaseModelUri"):
        uri = parameters.get(name)
        if uri and not store.exists(f"{uri}/{MANIFEST}"):
            raise BadInput(
                f"{name}={uri}: there is no {MANIFEST} below it", hint="give the address that staging printed"
            )
    resume_from = parameters.get("ResumeFrom", "none")
    if resume_from != "none" and not store.exists(f"{bucket.address}/checkpoints/{resume_from}"):
        known = sorted(path.name for path in (bucket.path / "checkpoints").glob("*") if path.name != "none")
        raise BadInput(
            f"ResumeFrom={resume_from}: there are no checkpoints of that execution",
            hint=f"known: {', '.join(known) or 'none'}",
        )
