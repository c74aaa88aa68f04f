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

from pipeline.errors import AsusuError, BadInput
from pipeline.local.registry import Registry
from pipeline.local.store import Store
from steps.contract import (
    ADAPTER_CONFIG,
    ADAPTER_FOLDER,
    ADAPTER_WEIGHTS,
    CHAMPION,
    NONE_OBJECT,
    ChampionManifest,
    save,
)
from steps.evaluate.unpack import unpack
from steps.job import Refused, write_json
from steps.sums import sha256_file

BUNDLED = (ADAPTER_WEIGHTS, ADAPTER_CONFIG)


def name_of(package: Mapping[str, Any]) -> str:
    """`group/version`."""
    return f"{package['ModelPackageGroupName']}/{package['ModelPackageVersion']}"


def champion_of(packages: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The version that was approved last, by the time of approval: approving an older one makes it champion again."""
    approved = [package for package in packages if package["ModelApprovalStatus"] == "Approved"]
    return max(approved, key=lambda package: str(package["LastModifiedTime"]), default=None)


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
    """Raises AsusuError unless the package's weights are there and are those that EvaluateModel scored."""
    with tempfile.TemporaryDirectory() as scratch:
        _adapter(package, store, Path(scratch))


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
    name = name_of(package)
    address = artifact_of(package)
    archive = store.path(address)
    if not archive.is_file():
        raise AsusuError(f"the model of {name} is gone: there is nothing at {address}", hint="approve another version")
    try:
        adapter = unpack(archive, scratch) / ADAPTER_FOLDER
    except Refused as error:
        raise AsusuError(f"the model of {name} cannot be read: {error}", hint="approve another version") from error
    missing = [file for file in BUNDLED if not (adapter / file).is_file()]
    if missing:
        raise AsusuError(f"the model of {name} lacks {', '.join(missing)}", hint="approve another version")
    expected = (package.get("CustomerMetadataProperties") or {}).get("adapter", "")
    found = sha256_file(adapter / ADAPTER_WEIGHTS)
    if found != expected:
        raise AsusuError(
            f"the weights of {name} are not those that were evaluated: sha256 {found[:12]}..., evaluated"
            f" {expected[:12] or 'nothing'}...",
            hint="do not approve it; find out who changed the artefact, and run the pipeline again",
        )
    return adapter


def artifact_of(package: Mapping[str, Any]) -> str:
    """Address of the package's model.tar.gz. Raises BadInput for an entry without one."""
    try:
        return str(package["InferenceSpecification"]["Containers"][0]["ModelDataUrl"])
    except (KeyError, IndexError, TypeError) as error:
        raise BadInput(f"{name_of(package)} names no model artefact: was it edited by hand?") from error
