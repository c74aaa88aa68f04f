"""Who created, changed or decided what and when, and what a decision sets off: moto names nobody, and no time of a change."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tests.account.state import Account, Answer, Change


def before_decision(account: Account, request: Mapping[str, Any]) -> None:
    """Remember the facts of a version: moto forgets them when it is decided on, the service does not."""
    package = account.package(request)
    account.facts[package.arn] = dict(package.customer_metadata_properties or {})


def after_decision(account: Account, request: Mapping[str, Any], answer: Answer, caller: Mapping[str, str]) -> Answer:
    """The event of a changed package reaches the function that publishes the champion, in a process of its own.

    The service answers first and delivers later; here the delivery comes first, so that nobody has to wait.
    """
    package = account.package(request)
    account.deciders[package.arn] = caller
    facts = account.facts.pop(package.arn) | (request.get("CustomerMetadataProperties") or {})
    dropped = request.get("CustomerMetadataPropertiesToRemove") or ()
    package.customer_metadata_properties = {name: value for name, value in facts.items() if name not in dropped}
    group, _, version = str(answer["ModelPackageArn"]).partition("model-package/")[2].partition("/")
    detail = {
        "ModelPackageGroupName": group,
        "ModelPackageVersion": int(version),
        "ModelPackageArn": answer["ModelPackageArn"],
        "ModelApprovalStatus": request.get("ModelApprovalStatus"),
    }
    event = {"source": "aws.sagemaker", "detail-type": "SageMaker Model Package State Change", "detail": detail}
    account.platform.invoke("champion", event)
    return answer


def after_describing_package(
    account: Account, request: Mapping[str, Any], answer: Answer, caller: Mapping[str, str]
) -> Answer:
    """Who decided last."""
    decider = account.deciders.get(str(answer["ModelPackageArn"]))
    kept = {name: value for name, value in answer.items() if name != "LastModifiedBy"}
    return {**kept, **({"LastModifiedBy": {"IamIdentity": dict(decider)}} if decider else {})}


def after_creating_pipeline(
    account: Account, request: Mapping[str, Any], answer: Answer, caller: Mapping[str, str]
) -> Answer:
    """Remember who created it; a namesake that was deleted is forgotten."""
    account.changes[str(answer["PipelineArn"])] = [_change(caller)]
    return answer


def after_changing_pipeline(
    account: Account, request: Mapping[str, Any], answer: Answer, caller: Mapping[str, str]
) -> Answer:
    """Remember who changed it."""
    account.changes[str(answer["PipelineArn"])].append(_change(caller))
    return answer


def after_describing_pipeline(
    account: Account, request: Mapping[str, Any], answer: Answer, caller: Mapping[str, str]
) -> Answer:
    """Who created it and who changed it last, and when."""
    changes = account.changes[str(answer["PipelineArn"])]
    first, last = changes[0], changes[-1]
    return {
        **answer,
        "CreatedBy": {"IamIdentity": dict(first.caller)},
        "LastModifiedBy": {"IamIdentity": dict(last.caller)},
        "CreationTime": first.when,
        "LastModifiedTime": last.when,
    }


def _change(caller: Mapping[str, str]) -> Change:
    return Change(caller, datetime.now(UTC).timestamp())
