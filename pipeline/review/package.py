"""Where a registered version stands: who decided what about it, when and why, and what it was compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pipeline.decided import PENDING, Decision, decisions_of
from pipeline.packages import champion_of, name_of
from pipeline.review.wording import moment

STATUSES = {PENDING: "waiting for approval", "Approved": "approved", "Rejected": "rejected"}


@dataclass(frozen=True)
class PackageFacts:
    """A version of the registry for a reader. `decided`, `who` and `reason` are empty while nobody has decided.

    `champion` is the name of the version that is the champion now, empty where there is none.
    """

    name: str
    status: str
    registered: str
    decided: str
    who: str
    reason: str
    champion: str
    metadata: Mapping[str, str]

    @property
    def is_champion(self) -> bool:
        """Whether this version is the one that new ones are compared with."""
        return self.champion == self.name


@dataclass(frozen=True)
class Against:
    """One sentence on what the scores were compared with. `kind`: as expected, or something to act on."""

    kind: Literal["note", "absent"]
    sentence: str


def facts_of(package: Mapping[str, Any], group: Sequence[Mapping[str, Any]]) -> PackageFacts:
    """The facts of a description as DescribeModelPackage gives it; `group` holds all versions of its group."""
    status = str(package["ModelApprovalStatus"])
    champion = champion_of([dict(version) for version in group])
    decisions = decisions_of(package)
    last = decisions[-1] if decisions and status != PENDING else Decision(status, "", "", "")
    return PackageFacts(
        name=name_of(package),
        status=STATUSES.get(status, status),
        registered=moment(str(package.get("CreationTime", ""))),
        decided=moment(last.when),
        who=last.who,
        reason=last.reason,
        champion=name_of(champion) if champion else "",
        metadata={str(key): str(value) for key, value in (package.get("CustomerMetadataProperties") or {}).items()},
    )


def compared_with(champion: str, package: PackageFacts | None) -> Against:
    """What to say of the evaluation's `champion`, and whether the registry has another one by now."""
    now = package.champion if package else ""
    moved = f" The champion is {now} now: run the pipeline again to compare with it."
    if champion == "none":
        sentence = "No champion: when this was evaluated, no version had been approved to compare with."
        return (
            Against("absent", sentence + moved)
            if package and now not in ("", package.name)
            else Against("note", sentence)
        )
    if " not compared: " in champion:
        name, _, why = champion.partition(" not compared: ")
        return Against("absent", f"The champion {name} could not be compared: {why}. Its rule was not decided.")
    sentence = f"The champion was {champion}, scored on the same sentences."
    if package and now not in ("", package.name, champion):
        return Against("absent", sentence + moved)
    return Against("note", sentence)
