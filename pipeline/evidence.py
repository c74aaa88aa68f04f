"""The files that a decision on a version rests on, held against what its registry entry states of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import AsusuError
from pipeline.packages import artifact_of, name_of
from steps.contract import (
    ADAPTER_CONFIG,
    ADAPTER_FOLDER,
    ADAPTER_WEIGHTS,
    REGISTRY_KEYS,
    EvaluationReport,
    load,
)
from steps.evaluate.unpack import unpack
from steps.job import Refused
from steps.sums import sha256_file

BUNDLED = {ADAPTER_WEIGHTS: "adapter", ADAPTER_CONFIG: "adapter_config"}  # file, and the key of its sum in the entry
QUALITY = "ModelQuality"
REPORTS = {QUALITY: "evaluation report", "ModelDataQuality": "data report"}  # members of ModelMetrics
DIGITS = 64  # of a sha256 in hex
RUN_AGAIN = "do not approve it; run the pipeline again"


@dataclass(frozen=True)
class StatedSum:
    """A report that a registry entry points to, with the sum it had when the entry was made."""

    kind: str
    address: str
    sha256: str

    @property
    def what(self) -> str:
        """The report as people call it."""
        return REPORTS[self.kind]


def metadata_of(package: Mapping[str, Any]) -> Mapping[str, str]:
    """What EvaluateModel said of the version, empty for an entry without any."""
    return package.get("CustomerMetadataProperties") or {}


def adapter_sum(package: Mapping[str, Any], file: str) -> str:
    """sha256 of a bundled file as EvaluateModel read it. Raises AsusuError for an entry that does not state it."""
    return _stated(package, f"sum of {file}", metadata_of(package).get(BUNDLED[file], ""))


def base_model_sum(package: Mapping[str, Any]) -> str:
    """Fingerprint of the base model that the version was evaluated on. Raises AsusuError for an entry without it."""
    return _stated(package, "sum of its base model", _digest(metadata_of(package).get("base_model", "")))


def stated_sums(package: Mapping[str, Any]) -> list[StatedSum]:
    """The reports and their sums. Raises AsusuError for an entry that leaves one out."""
    found = []
    for kind, what in REPORTS.items():
        source = ((package.get("ModelMetrics") or {}).get(kind) or {}).get("Statistics") or {}
        digest = _stated(package, f"sum of its {what}", _digest(source.get("ContentDigest") or ""))
        found.append(StatedSum(kind, str(source.get("S3Uri", "")), digest))
    return found


def _digest(text: str) -> str:
    """The digits at the end of a text with `sha256:`."""
    return text.lower().rpartition("sha256:")[2]


def _stated(package: Mapping[str, Any], what: str, value: str) -> str:
    if len(value) != DIGITS:
        raise AsusuError(
            f"the entry of {name_of(package)} states no {what}: an older release made it, or somebody edited it",
            hint=RUN_AGAIN,
        )
    return value


def refuse_other_report(package: Mapping[str, Any], stated: StatedSum, file: Path) -> None:
    """Raises AsusuError unless a report is there with the sum it had when the entry was made, and the entry says of
    the version what the evaluation report says."""
    if not file.is_file():
        raise AsusuError(
            f"the {stated.what} of {name_of(package)} is gone: there is nothing at {stated.address}",
            hint="do not approve what nobody can read; run the pipeline again",
        )
    if sha256_file(file) != stated.sha256:
        raise AsusuError(
            f"the {stated.what} of {name_of(package)} was changed after it was registered ({stated.address})",
            hint="do not approve it; find out who changed the report, and run the pipeline again",
        )
    if stated.kind == QUALITY:
        _refuse_other_words(package, file)


def _refuse_other_words(package: Mapping[str, Any], file: Path) -> None:
    try:
        reported = load(file, EvaluationReport).registry
    except Refused as error:
        raise AsusuError(
            f"the evaluation report of {name_of(package)} cannot be read: {error}", hint=RUN_AGAIN
        ) from error
    entry = metadata_of(package)
    for key in dict.fromkeys((*REGISTRY_KEYS, *reported)):
        if entry.get(key) != reported.get(key):
            raise AsusuError(
                f"the entry of {name_of(package)} says {_said(key, entry)}, and its evaluation report says"
                f" {_said(key, reported)}",
                hint="do not approve it; find out who changed the entry, and run the pipeline again",
            )


def _said(key: str, values: Mapping[str, str]) -> str:
    return f"{key} {values[key]!r}" if key in values else f"nothing of {key}"


def evaluated_adapter(package: Mapping[str, Any], archive: Path, scratch: Path) -> Path:
    """Unpack a model.tar.gz into `scratch` by allow-list and return its adapter's folder.

    Raises AsusuError where files are missing or are not those that EvaluateModel scored, and for an archive that is not
    the one it bundled.
    """
    name = name_of(package)
    if not archive.is_file():
        raise AsusuError(
            f"the model of {name} is gone: there is nothing at {artifact_of(package)}", hint="approve another version"
        )
    try:
        adapter = unpack(archive, scratch) / ADAPTER_FOLDER
    except Refused as error:
        raise AsusuError(f"the model of {name} cannot be read: {error}", hint="approve another version") from error
    missing = [file for file in BUNDLED if not (adapter / file).is_file()]
    if missing:
        raise AsusuError(f"the model of {name} lacks {', '.join(missing)}", hint="approve another version")
    for file in BUNDLED:
        expected, found = adapter_sum(package, file), sha256_file(adapter / file)
        if found != expected:
            raise AsusuError(
                f"{file} of {name} is not the one that was evaluated: sha256 {found[:12]}..., evaluated"
                f" {expected[:12]}...",
                hint="do not approve it; find out who changed the artefact, and run the pipeline again",
            )
    if sha256_file(archive) != _stated(package, "sum of its bundle", _digest(metadata_of(package).get("bundle", ""))):
        raise AsusuError(
            f"the bundle of {name} was changed after it was registered ({artifact_of(package)})",
            hint="do not approve it; find out who changed the artefact, and run the pipeline again",
        )
    return adapter
