"""The model registry in files: `<root>/<group>/<version>.json`, with the fields that DescribeModelPackage answers.

One field more, `Decisions`, keeps every decision; the service itself remembers the last.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pipeline.decided import HISTORY, Decision, decisions_of
from pipeline.errors import BadInput
from pipeline.local import describe
from pipeline.local.entry import GROUP_NAME, STATUSES, read_entry
from pipeline.local.files import write_atomically
from pipeline.local.names import ACCOUNT
from pipeline.packages import REASON_LIMIT
from steps.contract import CARD_LIMIT, ModelCard
from steps.contract.card import is_plain

# Limits of botocore's CreateModelPackage shape.
METADATA_COUNT, METADATA_KEY, METADATA_VALUE = 50, 128, 256
METADATA_MARKS = "_.:/=+-@"  # besides letters, numbers and separators of Unicode
DESCRIPTION_LIMIT = 1024
CARD_STATUSES = ("Draft", "PendingReview", "Approved", "Archived")
DIGEST = re.compile(r"[Ss][Hh][Aa]256:[0-9a-fA-F]{64}")
NOT_DESCRIBED = ("ClientToken", "Tags")
VERSION = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(frozen=True)
class Registry:
    """All model package groups below one folder."""

    root: Path

    def register(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Add a version to a group from a resolved CreateModelPackage request, and return its description.

        Raises BadInput where the request breaks a limit of the service; then nothing is written.
        """
        _check(arguments)
        group = arguments["ModelPackageGroupName"]
        version = 1 + max((package["ModelPackageVersion"] for package in self.packages(group)), default=0)
        created = describe.now()
        package = {
            "ModelPackageGroupName": group,
            "ModelPackageVersion": version,
            "ModelPackageArn": f"{ACCOUNT}:model-package/{group}/{version}",
            **{name: value for name, value in arguments.items() if name not in NOT_DESCRIBED},
            "ModelApprovalStatus": arguments.get("ModelApprovalStatus", "PendingManualApproval"),
            "ModelPackageStatus": "Completed",
            "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
            "CreationTime": created,
            "LastModifiedTime": created,
        }
        write_atomically(self.root / group / f"{version}.json", package)
        return package

    def decide(self, arn: str, status: str, reason: str, who: str) -> dict[str, Any]:
        """Set a version's status with the reason and who decided, as UpdateModelPackage does; returns the description.

        Earlier decisions stay in the entry, and are written with the new one in one piece.

        Raises BadInput where there is no such version, or the reason is empty or over the service's limit.
        """
        package = self.package(arn)
        if package is None:
            raise BadInput(f"there is no model package {arn}")
        if status not in STATUSES:
            raise BadInput(f"ModelApprovalStatus {status!r} is not one of {', '.join(STATUSES)}")
        if not reason.strip() or len(reason) > REASON_LIMIT:
            raise BadInput(f"the reason must have 1 to {REASON_LIMIT} characters, and has {len(reason.strip())}")
        decision = Decision(status, reason, who, describe.now())
        package |= {
            "ModelApprovalStatus": decision.verdict,
            "ApprovalDescription": decision.reason,
            "LastModifiedBy": {"UserProfileName": decision.who},
            "LastModifiedTime": decision.when,
            HISTORY: [asdict(made) for made in [*decisions_of(package), decision]],
        }
        write_atomically(
            self.root / package["ModelPackageGroupName"] / f"{package['ModelPackageVersion']}.json", package
        )
        return package

    def groups(self) -> list[str]:
        """Names of the groups, in order."""
        return sorted(path.name for path in self.root.glob("*") if path.is_dir() and GROUP_NAME.fullmatch(path.name))

    def packages(self, group: str) -> list[dict[str, Any]]:
        """Descriptions of a group's versions, oldest first; empty for a group that does not exist.

        Raises BadInput for an entry that was damaged.
        """
        found = (read_entry(path) for path in (self.root / group).glob("*.json") if VERSION.fullmatch(path.stem))
        return sorted(found, key=lambda package: int(package["ModelPackageVersion"]))

    def package(self, arn: str) -> dict[str, Any] | None:
        """The description of one version, None where there is no such version."""
        group, _, version = arn.rpartition(":model-package/")[2].partition("/")
        path = self.root / group / f"{version}.json"
        return read_entry(path) if VERSION.fullmatch(version) and path.is_file() else None


def _check(arguments: Mapping[str, Any]) -> None:
    group = arguments.get("ModelPackageGroupName")
    if not isinstance(group, str) or not GROUP_NAME.fullmatch(group):
        raise BadInput(f"ModelPackageGroupName {group!r} is not 1 to 63 letters, digits and hyphens")
    status = arguments.get("ModelApprovalStatus", STATUSES[0])
    if status not in STATUSES:
        raise BadInput(f"ModelApprovalStatus {status!r} is not one of {', '.join(STATUSES)}")
    description = arguments.get("ModelPackageDescription", "")
    if not isinstance(description, str) or len(description) > DESCRIPTION_LIMIT or not _one_line(description):
        raise BadInput(f"ModelPackageDescription must be one line of at most {DESCRIPTION_LIMIT} characters")
    metadata = arguments.get("CustomerMetadataProperties") or {}
    if len(metadata) > METADATA_COUNT:
        raise BadInput(f"CustomerMetadataProperties has {len(metadata)} entries; the service takes {METADATA_COUNT}")
    for key, value in metadata.items():
        _check_metadata(f"the name {key!r}", key, METADATA_KEY)
        _check_metadata(f"the value of {key!r}", value, METADATA_VALUE)
    for where, source in _metric_sources(arguments.get("ModelMetrics") or {}):
        digest = source.get("ContentDigest")
        if digest is not None and not (isinstance(digest, str) and DIGEST.fullmatch(digest)):
            raise BadInput(f"ContentDigest {digest!r} of {where} is not `sha256:` and 64 hex digits")
    if "ModelCard" in arguments:
        _check_card(arguments["ModelCard"])


def _metric_sources(metrics: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every MetricsSource of a ModelMetrics, with where it stands."""
    for kind, sources in metrics.items():
        for name, source in (sources or {}).items():
            yield f"ModelMetrics.{kind}.{name}", source


def _check_card(card: Mapping[str, Any]) -> None:
    status, content = card.get("ModelCardStatus"), card.get("ModelCardContent")
    if status not in CARD_STATUSES:
        raise BadInput(f"ModelCardStatus {status!r} is not one of {', '.join(CARD_STATUSES)}")
    if not isinstance(content, str) or len(content) > CARD_LIMIT or not is_plain(content):
        raise BadInput(f"ModelCardContent must be one line of at most {CARD_LIMIT:,} characters")
    try:
        ModelCard.model_validate_json(content)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()[:5])
        raise BadInput(f"ModelCardContent is not a model card: {problems}") from error


def _check_metadata(what: str, text: Any, limit: int) -> None:
    where = f"{what} in CustomerMetadataProperties"
    if not isinstance(text, str):
        raise BadInput(f"{where} must be text, but it is {text!r}", hint="write it as text in the property file")
    if not 1 <= len(text) <= limit:
        raise BadInput(f"{where} has {len(text)} characters; the service takes 1 to {limit}")
    refused = {mark for mark in text if unicodedata.category(mark)[0] not in "LZN" and mark not in METADATA_MARKS}
    if refused:
        raise BadInput(f"{where} has characters the service refuses: {' '.join(sorted(map(repr, refused)))}")


def _one_line(text: str) -> bool:
    return not any(unicodedata.category(mark)[0] == "C" for mark in text)
