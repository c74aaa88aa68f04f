"""Stages a base model: a content-hashed folder with `model/`, `tokenizer/` and a manifest of sums.

The source is `tiny` (built here), a folder, or a hub id with a pinned commit. Files are taken by an allow-list; pickles
and code of the model's own are refused.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from pipeline.errors import BadInput
from pipeline.staging import checkpoint, tiny
from pipeline.staging.checkpoint import Checkpoint
from pipeline.staging.folder import copy, settle, whole, workplace
from steps.contract import MODEL_FOLDER, TOKENIZER_FOLDER, BaseModelManifest
from steps.sums import fingerprint_of, list_files

Progress = Callable[[int, int, str], None]
COMMIT = re.compile("[0-9a-f]{40}")
HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
TINY = "tiny"


def stage_base_model(
    source: str,
    into: Path,
    *,
    revision: str | None = None,
    seed: int = 17,
    steps: int | None = None,
    progress: Progress | None = None,
) -> BaseModelManifest:
    """Stage a base model as `into/<fingerprint>/`, whole or not at all, and return its manifest.

    `seed` and `steps` (of pre-training) are for `tiny`. What was staged before, by name and revision, is not fetched or
    built again. Raises BadInput for a source that cannot be a base model.
    """
    report = progress or (lambda done, total, unit: None)
    if source == TINY:
        recipe = tiny.Recipe(seed=seed) if steps is None else tiny.Recipe(seed=seed, steps=steps)
        return _staged_before(into, TINY, recipe.revision) or _stage_tiny(recipe, into, report)
    if Path(source).is_dir():
        return _stage_folder(Path(source), into, report)
    if HUB_ID.fullmatch(source) and not Path(source).exists():
        if revision is None or not COMMIT.fullmatch(revision):
            raise BadInput(
                f"{source} is not a folder here, and as a hub model it needs --revision with a commit of 40 hex digits,"
                f" not {revision or 'nothing'}: a branch can change under a finished run",
                hint="copy the commit from the model's page, under Files and versions",
            )
        return _staged_before(into, source, revision) or _stage_download(source, revision, into, report)
    raise BadInput(
        f"there is no base model {source!r}",
        hint="give `tiny`, a model folder, or a hub id such as org/name with --revision",
    )


def _staged_before(into: Path, name: str, revision: str) -> BaseModelManifest | None:
    """The manifest of a whole staged folder with this name and revision."""
    for folder in sorted(path for path in into.glob("*") if path.is_dir()):
        manifest = whole(folder, BaseModelManifest)
        if manifest is not None and (manifest.name, manifest.revision) == (name, revision):
            return manifest
    return None


def _stage_tiny(recipe: tiny.Recipe, into: Path, report: Progress) -> BaseModelManifest:
    with workplace(into) as place:
        built = place / ".source"
        tiny.build(built, recipe, report)
        return _arrange(built, place, into, TINY, recipe.revision, report)


def _stage_folder(folder: Path, into: Path, report: Progress) -> BaseModelManifest:
    checkpoint.inspect(folder)  # before anything is written
    with workplace(into) as place:
        return _arrange(folder, place, into, folder.resolve().name, None, report)


def _stage_download(name: str, revision: str, into: Path, report: Progress) -> BaseModelManifest:
    from huggingface_hub import snapshot_download

    with workplace(into) as place:
        fetched = place / ".source"
        report(0, 1, "snapshot")
        try:
            snapshot_download(name, revision=revision, local_dir=fetched, allow_patterns=list(checkpoint.DOWNLOADED))
        except Exception as error:  # the hub client has no base class for offline, missing, gated and interrupted
            raise BadInput(
                f"cannot download {name} at {revision}: {type(error).__name__}: {str(error).splitlines()[0]}",
                hint="check the id, the commit and the network; for a gated model log in with `hf auth login`",
            ) from error
        report(1, 1, "snapshot")
        return _arrange(fetched, place, into, name, revision, report)


def _arrange(
    source: Path, place: Path, into: Path, name: str, revision: str | None, report: Progress
) -> BaseModelManifest:
    """Lay a checked folder out as model/ and tokenizer/ and settle it. Without a revision its digest stands for one."""
    found = checkpoint.inspect(source)
    own = source.is_relative_to(place)
    files = {MODEL_FOLDER: found.model_files, TOKENIZER_FOLDER: found.tokenizer_files}
    total = sum((source / file).stat().st_size for names in files.values() for file in names)
    done = 0

    def seen(count: int) -> None:
        nonlocal done
        done += count
        report(done, total, "bytes")

    for room, names in files.items():
        for file in names:
            (place / room).mkdir(exist_ok=True)
            if own:
                (source / file).replace(place / room / file)
            else:
                copy(source / file, place / room / file, seen)
    if own:
        shutil.rmtree(source)
    return _settle(place, into, name, revision, found)


def _settle(place: Path, into: Path, name: str, revision: str | None, found: Checkpoint) -> BaseModelManifest:
    files = list_files(place)
    fingerprint = fingerprint_of(files)
    manifest = BaseModelManifest(
        name=name,
        revision=revision or fingerprint,
        licence=found.licence,
        architecture=found.architecture,
        parameters=found.parameters,
        vocabulary=found.vocabulary,
        shape=found.shape,
        files=files,
        fingerprint=fingerprint,
    )
    return settle(place, into, manifest, fingerprint)
