"""Versions of models, as DescribeModelPackage describes them: the same rules on this machine and in an account."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, Protocol

from pipeline.errors import BadInput

REASON_LIMIT = 1024  # ApprovalDescription of the service model
VERSION = re.compile(r"(?:.*model-package/)?(?:([^/]+)/)?(\d+)")

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
