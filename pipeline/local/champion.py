"""The champion: the version that was approved last, published where EvaluateModel mounts it.

`<bucket>/champion/<group>/` holds either `none.json`, or the bundle: `adapter/` and `champion.json`. The bundle is taken
from the package's model.tar.gz by an allow-list, and only when its files are those that were evaluated.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.errors import AsusuError, BadInput
from pipeline.evidence import (
    BUNDLED,
    adapter_sum,
    base_model_sum,
    evaluated_adapter,
    refuse_other_report,
    stated_sums,
)
from pipeline.local.registry import Registry
from pipeline.local.store import Store
from pipeline.packages import artifact_of, champion_of, name_of
from steps.contract import (
    ADAPTER_CONFIG,
    ADAPTER_FOLDER,
    ADAPTER_WEIGHTS,
    CHAMPION,
    NONE_OBJECT,
    ChampionManifest,
    save,
)
from steps.evaluate.champion import find_champion
from steps.job import Refused, write_json


def publish_champion(registry: Registry, group: str, store: Store, bucket: str) -> str | None:
    """Make the champion's folder agree with the registry, and return the champion's name, None where there is none.

    To be called by the holder of the work directory's lock. Whole or not at all: the new folder is built beside the old
    one and takes its place; where a kill came between, the next call puts the old one back first. Nothing is written
    where all is well. Raises AsusuError where the approved version's files are gone or are not those that were evaluated.
    """
    folder = store.path(f"s3://{bucket}/champion/{group}")
    folder.parent.mkdir(parents=True, exist_ok=True)
    place, old = folder.with_name(f".{group}.new"), folder.with_name(f".{group}.old")
    _put_back(old, folder)
    champion = champion_of(registry.packages(group))
    manifest = _manifest(champion) if champion else None
    if _in_place(folder, manifest):
        return manifest.package if manifest else None
    shutil.rmtree(place, ignore_errors=True)  # of a kill
    try:
        if champion is None or manifest is None:
            write_json(place / NONE_OBJECT, {"none": True})
        else:
            _bundle(champion, store, place)
            save(place / CHAMPION, manifest)
        _replace(folder, place, old)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return manifest.package if manifest else None


def settle_champion(workdir: Path, group: str, bucket: str) -> None:
    """What a run does before its first step: it must not be compared with a champion that an interrupted approval left.

    To be called by the holder of the work directory's lock. Raises AsusuError where folder and registry cannot agree.
    """
    try:
        publish_champion(Registry(workdir / "registry"), group, Store(workdir / "s3"), bucket)
    except BadInput:
        raise
    except AsusuError as error:
        raise AsusuError(
            f"nothing was run, since the approved version cannot be mounted as champion: {error.message}",
            hint="approve a version whose files are there, or reject this one",
        ) from error


def verify_artifact(package: Mapping[str, Any], store: Store) -> None:
    """Raises AsusuError unless model and reports are those that were evaluated, and the entry says what they say."""
    sums = stated_sums(package)
    base_model_sum(package)
    with tempfile.TemporaryDirectory() as scratch:
        evaluated_adapter(package, store.path(artifact_of(package)), Path(scratch))
    for stated in sums:
        refuse_other_report(package, stated, store.path(stated.address))


def _manifest(package: Mapping[str, Any]) -> ChampionManifest:
    return ChampionManifest(
        package=name_of(package),
        adapter_sha256=adapter_sum(package, ADAPTER_WEIGHTS),
        adapter_config_sha256=adapter_sum(package, ADAPTER_CONFIG),
        base_model_sha256=base_model_sum(package),
        approved=str(package["LastModifiedTime"]),
    )


def _in_place(folder: Path, manifest: ChampionManifest | None) -> bool:
    """Does the folder hold this champion, as a reader sees it, and nothing else?"""
    expected = {NONE_OBJECT} if manifest is None else {CHAMPION, *(f"{ADAPTER_FOLDER}/{file}" for file in BUNDLED)}
    if {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} != expected:
        return False
    try:
        found = find_champion(folder)
    except Refused:
        return False
    return (found.manifest if found else None) == manifest


def _bundle(package: Mapping[str, Any], store: Store, place: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        adapter = evaluated_adapter(package, store.path(artifact_of(package)), Path(scratch))
        (place / ADAPTER_FOLDER).mkdir(parents=True)
        for file in BUNDLED:
            shutil.copyfile(adapter / file, place / ADAPTER_FOLDER / file)


def _replace(folder: Path, place: Path, old: Path) -> None:
    """Let `place` be `folder`; where that fails, the folder is what it was."""
    if folder.exists():
        folder.rename(old)
    try:
        place.rename(folder)
    except BaseException:
        _put_back(old, folder)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _put_back(old: Path, folder: Path) -> None:
    """Undo a replacement that ended between its two renames; after the second there is only litter."""
    if old.exists() and folder.exists():
        shutil.rmtree(old)
    elif old.exists():
        old.rename(folder)
