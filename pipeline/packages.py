"""Versions of models, as DescribeModelPackage describes them: the same rules on this machine and in an account."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Protocol

from pipeline.errors import AsusuError, BadInput
from steps.contract import ADAPTER_CONFIG, ADAPTER_FOLDER, ADAPTER_WEIGHTS
from steps.evaluate.unpack import unpack
from steps.job import Refused
from steps.sums import sha256_file

BUNDLED = (ADAPTER_WEIGHTS, ADAPTER_CONFIG)
REASON_LIMIT = 1024  # ApprovalDescription of the service model
VERSION = re.compile(r"(?:.*model-package/)?(?:([^/]+)/)?(\d+)")
REPORTS = {"ModelQuality": "evaluation report", "ModelDataQuality": "data report"}  # members of ModelMetrics

Package = dict[str, Any]
Verdict = Literal["Approved", "Rejected"]


class Packages(Protocol):
    """A registry that people decide in: this machine's, or an account's."""

    def packages(self) -> list[Package]:
        """Every version of every group, in the order of groups and versions."""
        ...

    def decide(self, package: Package, verdict: Verdict, reason: str, *, own: bool) -> list[str]:
        """Record a decision and its reason; returns what else a person should know, a line each.

        Raises BadInput for a decision that may not be made (`own` allows to approve a run one started oneself), and
        AsusuError where the files to approve are not those that were evaluated.
        """
        ...


@dataclass(frozen=True)
class StatedSum:
    """A report that a registry entry points to, with the sum it had when the entry was made."""

    what: str
    address: str
    sha256: str


def name_of(package: Mapping[str, Any]) -> str:
    """`group/version`."""
    return f"{package['ModelPackageGroupName']}/{package['ModelPackageVersion']}"


def champion_of(packages: list[Package]) -> Package | None:
    """The version that was approved last: approving an older one makes it champion again.

    The time is LastModifiedTime. The service has no time of approval, in no answer and no event; a time of our own in the
    entry would miss the approvals made in the console, and so their rollbacks.
    """
    approved = [package for package in packages if package["ModelApprovalStatus"] == "Approved"]
    return max(approved, key=_changed, default=None)


def _changed(package: Package) -> tuple[datetime, int]:
    return datetime.fromisoformat(package["LastModifiedTime"]), int(package["ModelPackageVersion"])


def find_package(packages: list[Package], version: str, listing: str) -> Package:
    """The package of `3`, `group/3` or an ARN. Raises BadInput where it is not there or not the only one.

    `listing` is the command that lists them.
    """
    wanted = VERSION.fullmatch(version)
    if not wanted:
        raise BadInput(f"{version!r} is not a version", hint=f"give 3 or group/3; {listing} lists them")
    found = [
        package
        for package in packages
        if wanted[1] in (None, package["ModelPackageGroupName"]) and str(package["ModelPackageVersion"]) == wanted[2]
    ]
    if len(found) > 1:
        names = ", ".join(map(name_of, found))
        raise BadInput(f"version {version} is in several groups", hint=f"give one of {names}")
    if not found:
        raise BadInput(f"there is no version {version}", hint=f"{listing} lists them")
    return found[0]


def artifact_of(package: Mapping[str, Any]) -> str:
    """Address of the package's model.tar.gz. Raises BadInput for an entry without one."""
    try:
        return str(package["InferenceSpecification"]["Containers"][0]["ModelDataUrl"])
    except (KeyError, IndexError, TypeError) as error:
        raise BadInput(f"{name_of(package)} names no model artefact: was it edited by hand?") from error


def stated_sums(package: Mapping[str, Any]) -> Iterator[StatedSum]:
    """The reports whose sum the entry states."""
    for kind, what in REPORTS.items():
        source = ((package.get("ModelMetrics") or {}).get(kind) or {}).get("Statistics") or {}
        if source.get("ContentDigest"):
            digest = str(source["ContentDigest"]).partition(":")[2].lower()
            yield StatedSum(what, str(source.get("S3Uri", "")), digest)


def refuse_other_report(package: Mapping[str, Any], stated: StatedSum, file: Path) -> None:
    """Raises AsusuError unless a report is there with the sum it had when the entry was made."""
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


def evaluated_adapter(package: Mapping[str, Any], archive: Path, scratch: Path) -> Path:
    """Unpack a model.tar.gz into `scratch` by allow-list and return its adapter's folder.

    Raises AsusuError where files are missing, or the weights are not those that EvaluateModel scored.
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
    expected = (package.get("CustomerMetadataProperties") or {}).get("adapter", "")
    found = sha256_file(adapter / ADAPTER_WEIGHTS)
    if found != expected:
        raise AsusuError(
            f"the weights of {name} are not those that were evaluated: sha256 {found[:12]}..., evaluated"
            f" {expected[:12] or 'nothing'}...",
            hint="do not approve it; find out who changed the artefact, and run the pipeline again",
        )
    return adapter
