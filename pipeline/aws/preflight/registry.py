"""The group that versions are registered in: missing, the last step would fail after everything was paid for."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.aws.preflight.asking import found
from pipeline.aws.session import Account
from pipeline.definition import Definition
from pipeline.preflight.check import Check

OF_THE_STACK = ("asusu-igbo",)  # the groups that infra/platform.yaml makes


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
            yield Check(f"group {name}", "refused", "there is none, so nothing can be registered", _made_by(name))
        elif answer.get("ModelPackageGroupStatus", "Completed") != "Completed":
            detail = f"its status is {answer['ModelPackageGroupStatus']}"
            yield Check(f"group {name}", "refused", detail, f"wait, or delete it and `{_made_by(name)}`")
        else:
            yield Check(f"group {name}", "ok", "there")


def _made_by(name: str) -> str:
    """The command that makes a group; another recipe's is nobody's stack."""
    if name in OF_THE_STACK:
        return "make infra"
    return f"aws sagemaker create-model-package-group --model-package-group-name {name} --tags Key=project,Value=asusu"
