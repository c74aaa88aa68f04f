"""What of an approved model.tar.gz becomes the champion's folder, and whether it may.

The rules and the bytes are those of `steps.evaluate.unpack`, `pipeline.packages`, `pipeline.evidence` and
`pipeline.local.champion`. They stand here once more, with the standard library alone, because a function in an account
carries no pydantic; tests/infra/test_champion.py holds the two together.
"""

from __future__ import annotations

import hashlib
import json
import tarfile
import zlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import IO, Any

ALLOWED_SUFFIXES = (".safetensors", ".json", ".md", ".txt")
MAX_MEMBERS = 64
MAX_BYTES = 4 * 1024**3
WEIGHTS = "adapter/adapter_model.safetensors"
CONFIG = "adapter/adapter_config.json"
SUMS = {WEIGHTS: "adapter", CONFIG: "adapter_config"}  # keys of the entry
DIGITS = 64  # of a sha256 in hex
MANIFEST = "champion.json"
NONE_OBJECT = "none.json"
PIECE = 1024 * 1024

Package = Mapping[str, Any]


class Refused(Exception):
    """The approved version may not be published, for a reason a person can act on."""


def name_of(package: Package) -> str:
    """`group/version`."""
    return f"{package['ModelPackageGroupName']}/{package['ModelPackageVersion']}"


def champion_of(packages: list[Package]) -> Package | None:
    """The version that was approved last, None where none is. Times are ISO 8601."""
    approved = [package for package in packages if package["ModelApprovalStatus"] == "Approved"]
    return max(approved, key=_changed, default=None)


def _changed(package: Package) -> tuple[datetime, int]:
    return datetime.fromisoformat(package["LastModifiedTime"]), int(package["ModelPackageVersion"])


def manifest_of(champion: Package | None) -> tuple[str, bytes]:
    """Name and bytes of the object that says who is champion. Raises Refused for an entry without one of the sums."""
    if champion is None:
        return NONE_OBJECT, _json({"none": True})
    value = {
        "package": name_of(champion),
        "adapter_sha256": adapter_sum(champion, WEIGHTS),
        "adapter_config_sha256": adapter_sum(champion, CONFIG),
        "base_model_sha256": base_model_sum(champion),
        "approved": str(champion["LastModifiedTime"]),
    }
    return MANIFEST, _json(value)


def adapter_sum(package: Package, place: str) -> str:
    """sha256 of an adapter's file as EvaluateModel read it. Raises Refused for an entry that does not state it."""
    return _stated(package, f"sum of {PurePosixPath(place).name}", _metadata(package).get(SUMS[place], ""))


def base_model_sum(package: Package) -> str:
    """Fingerprint of the base model that the version was evaluated on. Raises Refused for an entry without it."""
    return _stated(package, "sum of its base model", _digest(_metadata(package).get("base_model", "")))


def _digest(text: str) -> str:
    """The digits at the end of a text with `sha256:`."""
    return text.lower().rpartition("sha256:")[2]


def _metadata(package: Package) -> Mapping[str, str]:
    return package.get("CustomerMetadataProperties") or {}


def _stated(package: Package, what: str, value: str) -> str:
    if len(value) != DIGITS:
        raise Refused(
            f"the entry of {name_of(package)} states no {what}: an older release made it, or somebody edited it;"
            " run the pipeline again"
        )
    return value


def artifact_of(package: Package) -> tuple[str, str]:
    """Bucket and key of the package's model.tar.gz. Raises Refused for an entry without one."""
    try:
        address = str(package["InferenceSpecification"]["Containers"][0]["ModelDataUrl"])
    except (KeyError, IndexError, TypeError) as error:
        raise Refused(f"{name_of(package)} names no model artefact: was it edited by hand?") from error
    bucket, _, key = address.removeprefix("s3://").partition("/")
    if not address.startswith("s3://") or not key:
        raise Refused(f"{name_of(package)} names {address!r}, which is no object in S3")
    return bucket, key


def take_adapter(package: Package, archive: Path, folder: Path) -> dict[str, Path]:
    """The adapter's files by their place in the champion's folder, written below `folder`.

    Raises Refused for an archive that holds anything but plain files of allowed kinds, that is damaged or over the
    limits, that lacks a file or is not the one
    that was bundled, and for files that are not those that were evaluated.
    """
    name, taken, sums = name_of(package), {}, {}
    count, size = 0, 0
    try:
        with tarfile.open(archive, "r:gz") as members:
            for member in members:
                count, size = count + 1, size + member.size
                refuse_unfit(member, count, size)
                place, content = PurePosixPath(member.name).as_posix(), members.extractfile(member)
                if content and place in (WEIGHTS, CONFIG):
                    taken[place] = folder / PurePosixPath(place).name
                    sums[place] = _copy(content, taken[place])
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise Refused(f"the model of {name} cannot be read: {error}") from error
    if missing := [place for place in (WEIGHTS, CONFIG) if place not in taken]:
        raise Refused(f"the model of {name} lacks {', '.join(missing)}")
    for place, found in sums.items():
        if found != (expected := adapter_sum(package, place)):
            raise Refused(
                f"{PurePosixPath(place).name} of {name} is not the one that was evaluated: sha256 {found[:12]}...,"
                f" evaluated {expected[:12]}...; find out who changed the artefact"
            )
    with archive.open("rb") as file:
        whole = hashlib.file_digest(file, "sha256").hexdigest()
    if whole != _stated(package, "sum of its bundle", _digest(_metadata(package).get("bundle", ""))):
        raise Refused(f"the bundle of {name} was changed after it was registered; find out who changed it")
    return taken


def refuse_unfit(member: tarfile.TarInfo, count: int, size: int) -> None:
    """Raises Refused for a member that no adapter needs. `count` and `size` include it."""
    path = PurePosixPath(member.name)
    if count > MAX_MEMBERS:
        raise Refused(f"the model archive holds more than {MAX_MEMBERS} files; an adapter needs four")
    if size > MAX_BYTES:
        raise Refused(f"the model archive unpacks to more than {MAX_BYTES // 1024**3} GiB; an adapter is far smaller")
    if ".." in path.parts or path.is_absolute():
        raise Refused(f"the model archive holds {member.name!r}, which leads out of it")
    if not member.isdir() and not member.isfile():
        raise Refused(f"the model archive holds {member.name!r}, which is not a plain file")
    if member.isfile() and path.suffix not in ALLOWED_SUFFIXES:
        raise Refused(f"the model archive holds {member.name!r}; only {', '.join(ALLOWED_SUFFIXES)} are taken")


def _copy(content: IO[bytes], target: Path) -> str:
    """Write a member's bytes and return their sha256."""
    digest = hashlib.sha256()
    with target.open("wb") as file:
        while piece := content.read(PIECE):
            digest.update(piece)
            file.write(piece)
    return digest.hexdigest()


def _json(value: Mapping[str, Any]) -> bytes:
    """The bytes that `steps.job.write_json` writes."""
    return (json.dumps(value, ensure_ascii=False, indent=2) + "\n").encode()
