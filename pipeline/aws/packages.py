"""The model registry of an account: versions, decisions, and the files that a decision rests on.

The champion's folder is not written from here: a function that the approval event starts does it, so that an approval in
the console counts as one by command.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipeline.aws.objects import fetch
from pipeline.aws.people import refuse_own_run
from pipeline.aws.session import Account, explained
from pipeline.decided import one_line, signed_reason
from pipeline.errors import BadInput
from pipeline.evidence import base_model_sum, evaluated_adapter, refuse_other_report, stated_sums
from pipeline.packages import REASON_LIMIT, Package, Verdict, artifact_of, champion_of, name_of
from steps.evaluate.unpack import MAX_BYTES, MODEL_ARCHIVE

GROUPS = "asusu-"  # what `pipeline.recipes.pipeline_name` begins with
LATER = "the champion's folder follows when the approval event has been handled"


@dataclass(frozen=True)
class AwsPackages:
    """The groups of an account and region whose names begin with `asusu-`."""

    account: Account

    def packages(self) -> list[Package]:
        """Every version of every group, in the order of groups and versions. Times are ISO 8601 in UTC."""
        client = self.account.sagemaker
        with explained("listing the model packages"):
            pages = client.get_paginator("list_model_package_groups").paginate(NameContains=GROUPS)
            names = [row["ModelPackageGroupName"] for page in pages for row in page["ModelPackageGroupSummaryList"]]
            return [package for name in sorted(names) if name.startswith(GROUPS) for package in self._versions(name)]

    def _versions(self, group: str) -> list[Package]:
        client = self.account.sagemaker
        pages = client.get_paginator("list_model_packages").paginate(
            ModelPackageGroupName=group, ModelPackageType="Versioned"
        )
        arns = [row["ModelPackageArn"] for page in pages for row in page["ModelPackageSummaryList"]]
        found = [_described(client.describe_model_package(ModelPackageName=arn)) for arn in arns]
        return sorted(found, key=lambda package: int(package["ModelPackageVersion"]))

    def decide(self, package: Package, verdict: Verdict, reason: str, *, own: bool) -> list[str]:
        """Record a decision with its reason and who made it; the service keeps both and the time, of the last decision.

        Raises BadInput for a reason that is too long and for an approval of one's own run, AsusuError where the files
        are gone or are not those that were evaluated. Then nothing is recorded.
        """
        caller = self.account.caller()
        said = signed_reason(one_line(reason), caller["Arn"])
        if len(said) > REASON_LIMIT:
            raise BadInput(
                f"the reason has {len(reason)} characters, and {REASON_LIMIT - len(said) + len(reason)} fit beside who decided"
            )
        if verdict == "Approved":
            if not own:
                refuse_own_run(self.account, package, caller)
            self.verify(package)
        moves = verdict == "Approved" or self._is_champion(package)
        with explained(f"recording the decision on {name_of(package)}"):
            self.account.sagemaker.update_model_package(
                ModelPackageArn=package["ModelPackageArn"], ModelApprovalStatus=verdict, ApprovalDescription=said
            )
        return [f"by: {caller['Arn']}", *([LATER] if moves else [])]

    def _is_champion(self, package: Package) -> bool:
        if package["ModelApprovalStatus"] != "Approved":
            return False
        group = package["ModelPackageGroupName"]
        with explained(f"listing the versions of {group}"):
            champion = champion_of(self._versions(group))
        return champion is not None and name_of(champion) == name_of(package)

    def verify(self, package: Package) -> None:
        """Raises AsusuError unless model and reports are those that were evaluated, and the entry says what they say."""
        sums = stated_sums(package)
        base_model_sum(package)
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch)
            archive = fetch(self.account, artifact_of(package), folder / MODEL_ARCHIVE, MAX_BYTES)
            evaluated_adapter(package, archive, folder / "unpacked")
            for number, stated in enumerate(sums):
                report = fetch(self.account, stated.address, folder / f"{number}.json", MAX_BYTES)
                refuse_other_report(package, stated, report)


def _described(answer: dict[str, Any]) -> Package:
    """A description as the local registry gives it: times as text, a time of change also before the first change."""
    answer.pop("ResponseMetadata", None)
    package: Package = {key: _plain(value) for key, value in answer.items()}
    return {"LastModifiedTime": package.get("CreationTime", ""), **package}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value
