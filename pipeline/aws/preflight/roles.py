"""Roles: there, trusted by SageMaker, and such that those who must may pass them.

Whoever deploys passes the pipeline's role to the service; an execution, as that role, passes the steps' roles on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from pipeline.aws.preflight.asking import found
from pipeline.aws.session import Account
from pipeline.preflight.check import Check, Status
from pipeline.settings import Settings

SERVICE = "sagemaker.amazonaws.com"
UPDATE = "sagemaker:UpdatePipeline"
WILDCARD = re.compile(r"[*?]")  # of StringLike, ArnLike and ArnEquals; StringEquals has none
PASSED_TO = [
    {"ContextKeyName": "iam:PassedToService", "ContextKeyType": "string", "ContextKeyValues": [SERVICE]},
]


def check_roles(account: Account, chosen: Settings, number: str) -> Iterator[Check]:
    """A row for each role of the environment: it exists and SageMaker may take it."""
    for arn, uses in _uses(chosen).items():
        name = f"role {arn.rsplit('/', 1)[-1]}"
        answer = found(f"looking at {name}", account.client("iam").get_role, RoleName=arn.rsplit("/", 1)[-1])
        if answer is None:
            yield Check(name, "refused", f"there is none ({', '.join(uses)})", "make infra")
        elif answer["Role"]["Arn"] != arn:
            detail = f"the account's is {answer['Role']['Arn']}, the environment says {arn}"
            yield Check(name, "refused", detail, "correct roles in the environment's file")
        else:
            status, said = trusts(answer["Role"].get("AssumeRolePolicyDocument") or {}, number, chosen.region)
            yield Check(name, status, f"{said} ({', '.join(uses)})", "" if status == "ok" else "make infra")


def check_passing(account: Account, chosen: Settings, caller: Mapping[str, str], pipeline_name: str) -> Iterator[Check]:
    """A row for each passing: whoever deploys passes the pipeline's role, and that role the steps'."""
    source = _policy_source(account, str(caller["Arn"]))
    pipeline = chosen.roles.pipeline
    if source is None:
        detail = f"IAM cannot simulate {caller['Arn']}, which is neither a user nor a role"
        yield Check("passing the pipeline's role", "unknown", detail, "use a role to deploy")
    else:
        yield _passing_of_caller(account, chosen, source, pipeline_name)
    for arn in _uses(chosen):
        if arn != pipeline:
            yield _passing(account, f"passing {arn.rsplit('/', 1)[-1]}", pipeline, arn)


def trusts(policy: Mapping[str, Any], number: str, region: str) -> tuple[Status, str]:
    """Whether a trust policy lets SageMaker take the role for this account, in words.

    Of conditions aws:SourceAccount and aws:SourceArn are understood; with another one the answer is unknown.
    """
    statements = policy.get("Statement", [])
    answers = [
        _allows(statement, number, region)
        for statement in ([statements] if isinstance(statements, Mapping) else statements)
        if SERVICE in _texts((statement.get("Principal") or {}), "Service")
        and {"sts:AssumeRole", "sts:*", "*"} & set(_texts(statement, "Action"))
    ]
    for status in ("unknown", "ok", "refused"):
        for said in answers:
            if said[0] == status:
                return said
    return "refused", f"its trust policy does not name {SERVICE}, so no job can take it"


def _allows(statement: Mapping[str, Any], number: str, region: str) -> tuple[Status, str]:
    if statement.get("Effect") != "Allow":
        return "unknown", f"its trust policy has a Deny for {SERVICE}"
    for operator, keys in (statement.get("Condition") or {}).items():
        for key in keys:
            patterns = _texts(keys, key)
            here = {
                "aws:sourceaccount": number,
                "aws:sourcearn": f"arn:aws:sagemaker:{region}:{number}:pipeline/asusu",
            }.get(key.lower())
            if here is None or not operator.startswith(("StringEquals", "StringLike", "ArnLike", "ArnEquals")):
                return "unknown", f"its trust policy has a condition that cannot be judged here: {operator} {key}"
            literal = operator.startswith("StringEquals")
            possible = [
                text for text in patterns if not (literal and WILDCARD.search(text))
            ]  # IAM takes them as they are
            if key.lower() == "aws:sourcearn":  # the resource is the service's own choice: account and region decide
                possible, here = [":".join(text.split(":")[:5]) for text in possible], here.rsplit(":", 1)[0]
            if not any(fnmatchcase(here, pattern.replace("[", "[[]")) for pattern in possible):
                return "refused", f"its trust policy wants {key} {', '.join(patterns)}, and here it is {here}"
    return "ok", "there, and SageMaker may take it"


def simulate(account: Account, source: str, actions: list[str], resource: str, context: Any = ()) -> dict[str, str]:
    """IAM's decision on each action: allowed, implicitDeny or explicitDeny; `missing` where a condition lacks its value."""
    answer = found(
        f"simulating what {source} may do",
        account.client("iam").simulate_principal_policy,
        PolicySourceArn=source,
        ActionNames=actions,
        ResourceArns=[resource],
        ContextEntries=list(context),
    )
    decisions = {}
    for row in (answer or {}).get("EvaluationResults", []):
        refused = not row.get("OrganizationsDecisionDetail", {}).get("AllowedByOrganizations", True)
        decision = "explicitDeny" if refused else str(row["EvalDecision"])
        places = [row, *row.get("ResourceSpecificResults", [])]  # where resources are named, IAM may answer for each
        open_question = decision == "implicitDeny" and any(place.get("MissingContextValues") for place in places)
        decisions[str(row["EvalActionName"])] = "missing" if open_question else decision
    return decisions


def _passing_of_caller(account: Account, chosen: Settings, source: str, pipeline_name: str) -> Check:
    """Who may not change the pipeline, as an operator may not, need not pass its role either."""
    role = chosen.roles.pipeline
    row = _passing(account, "passing the pipeline's role", source, role)
    if row.status != "refused":
        return row
    _, partition, _, _, number, _ = role.split(":", 5)
    target = f"arn:{partition}:sagemaker:{chosen.region}:{number}:pipeline/{pipeline_name}"
    decision = simulate(account, source, [UPDATE], target).get(UPDATE, "missing")
    if decision in ("implicitDeny", "explicitDeny"):
        said = f"not your part: {source} may not change the pipeline, and whoever deploys it passes the role"
        return Check(row.name, "ok", said)
    return row


def _passing(account: Account, name: str, source: str, role: str) -> Check:
    decision = simulate(account, source, ["iam:PassRole"], role, PASSED_TO).get("iam:PassRole", "missing")
    said = f"{source} to {SERVICE}: {decision}"
    if decision == "allowed":
        return Check(name, "ok", said)
    if decision == "missing":
        return Check(name, "unknown", f"{said}; IAM's simulation lacks a value of a condition", "")
    return Check(name, "refused", said, f"allow iam:PassRole on {role} to {source}: make infra")


def _policy_source(account: Account, arn: str) -> str | None:
    """The user or role behind an identity; a session's ARN does not have the role's path, so IAM is asked for it."""
    if ":user/" in arn and ":iam:" in arn:
        return arn
    if ":assumed-role/" not in arn:
        return None
    answer = found("looking at your own role", account.client("iam").get_role, RoleName=arn.split("/")[1])
    return None if answer is None else str(answer["Role"]["Arn"])


def _uses(chosen: Settings) -> dict[str, list[str]]:
    """ARN to what it is used for."""
    uses: dict[str, list[str]] = {}
    for use, arn in chosen.roles.model_dump().items():
        uses.setdefault(str(arn), []).append(use)
    return uses


def _texts(holder: Any, key: str) -> list[str]:
    value = holder.get(key, []) if isinstance(holder, Mapping) else []
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]
