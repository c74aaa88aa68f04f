"""The champion: the version that was approved last, published where EvaluateModel mounts it.

`<bucket>/champion/<group>/` holds either `none.json`, or the bundle: `adapter/` and `champion.json`. The bundle is taken
from the package's model.tar.gz by an allow-list, and only when the sum of its weights is the one that was evaluated.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from pipeline.local.registry import Registry
from pipeline.local.store import Store
from pipeline.packages import (
    BUNDLED,
    artifact_of,
    champion_of,
    evaluated_adapter,
    name_of,
    refuse_other_report,
    stated_sums,
)
from steps.contract import ADAPTER_FOLDER, CHAMPION, NONE_OBJECT, ChampionManifest, save
from steps.job import write_json


def publish_champion(registry: Registry, group: str, store: Store, bucket: str) -> str | None:
    """Make the champion's folder agree with the registry, and return the champion's name, None where there is none.

    Whole or not at all: the new folder is built beside the old one and takes its place. Raises AsusuError where the
    approved version's files are gone or are not those that were evaluated.
    """
    folder = store.path(f"s3://{bucket}/champion/{group}")
    champion = champion_of(registry.packages(group))
    folder.parent.mkdir(parents=True, exist_ok=True)
    place = folder.with_name(f".{group}.{uuid4().hex[:8]}")
    try:
        if champion is None:
            write_json(place / NONE_OBJECT, {"none": True})
        else:
            _bundle(champion, store, place)
        old = folder.with_name(f".{group}.old.{uuid4().hex[:8]}")
        if folder.exists():
            folder.rename(old)
        place.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return name_of(champion) if champion else None


def verify_artifact(package: Mapping[str, Any], store: Store) -> None:
    """Raises AsusuError unless the weights are those that EvaluateModel scored, and the reports those it registered."""
    with tempfile.TemporaryDirectory() as scratch:
        _adapter(package, store, Path(scratch))
    for stated in stated_sums(package):
        refuse_other_report(package, stated, store.path(stated.address))


def _bundle(package: Mapping[str, Any], store: Store, place: Path) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        adapter = _adapter(package, store, Path(scratch))
        (place / ADAPTER_FOLDER).mkdir(parents=True)
        for file in BUNDLED:
            shutil.copyfile(adapter / file, place / ADAPTER_FOLDER / file)
    manifest = ChampionManifest(
        package=name_of(package),
        adapter_sha256=package["CustomerMetadataProperties"]["adapter"],
        approved=str(package["LastModifiedTime"]),
    )
    save(place / CHAMPION, manifest)


def _adapter(package: Mapping[str, Any], store: Store, scratch: Path) -> Path:
    return evaluated_adapter(package, store.path(artifact_of(package)), scratch)
