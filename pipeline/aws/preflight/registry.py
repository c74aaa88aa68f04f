"""The group that versions are registered in: missing, the last step would fail after everything was paid for."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.aws.preflight.asking import found
from pipeline.aws.session import Account
from pipeline.definition import Definition
from pipeline.preflight.check import Check


def groups_of(definition: Definition) -> list[str]:
    """Names of the groups that the definition registers in."""
    names = [step.arguments.get("ModelPackageGroupName") for step in definition.steps if step.type == "RegisterModel"]
    return list(dict.fromkeys(str(name) for name in names if name))


def check_groups(account: Account, names: list[str]) -> Iterator[Check]:
    """A row for each group."""
    for name in names:
        answer = found(
            f"looking at the group {name}",
            account.sagemaker.describe_model_package_group,
            ModelPackageGroupName=name,
        )
        if answer is None:
            yield Check(f"group {name}", "refused", "there is none, so nothing can be registered", "make infra")
        elif answer.get("ModelPackageGroupStatus", "Completed") != "Completed":
            detail = f"its status is {answer['ModelPackageGroupStatus']}"
            yield Check(f"group {name}", "refused", detail, "wait, or delete it and `make infra`")
        else:
            yield Check(f"group {name}", "ok", "there")
