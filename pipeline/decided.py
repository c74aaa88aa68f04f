"""What people decided about a version: verdict, reason, who and when.

This machine's registry keeps every decision, under `Decisions` of the entry. An account keeps the last one alone: status,
ApprovalDescription, LastModifiedBy, LastModifiedTime. The earlier ones are not written there beside it, because what the
command of an approver may write, the approver may rewrite. CloudTrail has them, as UpdateModelPackage events.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PENDING = "PendingManualApproval"
HISTORY = "Decisions"


@dataclass(frozen=True)
class Decision:
    """`verdict` is a ModelApprovalStatus, `when` in ISO 8601; `who` is empty where the registry does not say."""

    verdict: str
    reason: str
    who: str
    when: str


def decisions_of(package: Mapping[str, Any]) -> list[Decision]:
    """All decisions that the registry knows of, oldest first.

    The last is what the entry states now, also where it was made without this program and so is not in the history.
    """
    history = [Decision(**row) for row in package.get(HISTORY) or []]
    stated = _stated(package)
    if stated and (not history or (history[-1].verdict, history[-1].when) != (stated.verdict, stated.when)):
        history.append(stated)
    return history


def signed_reason(reason: str, who: str) -> str:
    """A reason with who gave it, for a registry that keeps nothing else with it."""
    return f"{reason} (by {who})"


def one_line(reason: str) -> str:
    """A reason as registries take it: ApprovalDescription is one line."""
    return " ".join(reason.split())


def _stated(package: Mapping[str, Any]) -> Decision | None:
    """The decision that the fields of DescribeModelPackage state; None while the version waits.

    A signature in the reason is left out only where it says what the registry says itself: an approval in the console keeps
    the text of the decision before.
    """
    if package["ModelApprovalStatus"] == PENDING:
        return None
    reason, by = str(package.get("ApprovalDescription") or ""), package.get("LastModifiedBy") or {}
    names = [name for name in (by.get("UserProfileName"), (by.get("IamIdentity") or {}).get("Arn")) if name]
    who = str(names[0]) if names else ""
    text, separator, signature = reason.removesuffix(")").rpartition(" (by ")
    if separator and reason.endswith(")") and (not names or signature in names):
        reason, who = text, signature
    return Decision(str(package["ModelApprovalStatus"]), reason, who, str(package["LastModifiedTime"]))
