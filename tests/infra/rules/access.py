"""Who may do what, and whether a policy says what it seems to say."""

from __future__ import annotations

from tests.infra.actions import arns_of, knows_key, overlap, privilege
from tests.infra.policies import Policies
from tests.infra.rules import Findings, rule
from tests.infra.templates import ACCOUNT, BUCKET, HERE, Resource

WHOLE_ACCOUNT = ("servicequotas:GetServiceQuota", "servicequotas:ListServiceQuotas")  # read only, and asked by name
PASSES = {  # who may hand which role to a service
    "asusu-pipeline": {"asusu-prepare", "asusu-train", "asusu-evaluate"},
    "asusu-deploy": {"asusu-pipeline"},
}


@rule
def no_wild_actions(_: list[Resource], policies: Policies) -> Findings:
    """An allowed action is written out."""
    for row in policies.all():
        yield from (f"{row.where}: allows {action}" for action in row.actions if "*" in action and not row.denies)


@rule
def known_actions(_: list[Resource], policies: Policies) -> Findings:
    """Every action exists."""
    for row in policies.all():
        named = (action for action in row.actions if "*" not in action)
        yield from (f"{row.where}: there is no {action}" for action in named if privilege(action) is None)


@rule
def known_condition_keys(_: list[Resource], policies: Policies) -> Findings:
    """A condition's key can apply to each action beside it: one that cannot makes a deny idle and an allow dead."""
    for row in policies.all():
        for _operator, key, _values in row.conditions:
            for action in row.actions:
                if "*" not in action and not knows_key(action, key):
                    yield f"{row.where}: {action} knows no {key}"


@rule
def named_resources(_: list[Resource], policies: Policies) -> Findings:
    """An allowed action names what it is for, and something that it can be for."""
    for row in policies.all():
        for action in row.actions if not row.denies else []:
            takes = list(arns_of(action)) if privilege(action) else []
            if takes and "*" in row.resources and action not in WHOLE_ACCOUNT:
                yield f"{row.where}: {action} on everything"
            if takes and not any(overlap(arn, pattern) for arn in takes for pattern in row.resources):
                yield f"{row.where}: {action} never takes {', '.join(row.resources)}"


@rule
def passed_roles(_: list[Resource], policies: Policies) -> Findings:
    """Each role is handed on by those who must, to SageMaker alone."""
    for giver in policies.roles:
        for taker in [*policies.roles, "administrator"]:
            arn = f"arn:aws:iam::{ACCOUNT}:role/{taker}"
            may = policies.allows(giver, "iam:PassRole", arn)
            if may != (taker in PASSES.get(giver, ())):
                yield f"{giver}: {'may' if may else 'may not'} pass {taker}"
            if policies.allows(giver, "iam:PassRole", arn, {"iam:PassedToService": "ec2.amazonaws.com"}):
                yield f"{giver}: may pass {taker} to EC2"


@rule
def separate_duties(_: list[Resource], policies: Policies) -> Findings:
    """Who starts does not approve, who approves changes nothing else, and no machine approves."""
    pipeline, run = (
        f"arn:aws:sagemaker:{HERE}:pipeline/asusu-igbo",
        f"arn:aws:sagemaker:{HERE}:training-job/pipelines-x",
    )
    package = f"arn:aws:sagemaker:{HERE}:model-package/asusu-igbo/1"
    approved = {"sagemaker:ModelApprovalStatus": "Approved"}
    forged = approved | {"sagemaker:CustomerMetadataProperties/adapter": "another sum"}
    asked = {
        "start": ("sagemaker:StartPipelineExecution", pipeline, {}, {"asusu-operator"}),
        "change the pipeline": ("sagemaker:UpdatePipeline", pipeline, {}, {"asusu-deploy"}),
        "approve": ("sagemaker:UpdateModelPackage", package, approved, {"asusu-approver"}),
        "approve and change a fact": ("sagemaker:UpdateModelPackage", package, forged, set()),
        "change an entry": ("sagemaker:UpdateModelPackage", package, {}, set()),
        "register as approved": ("sagemaker:CreateModelPackage", package, approved, set()),
        "register": (
            "sagemaker:CreateModelPackage",
            package,
            {"sagemaker:ModelApprovalStatus": "PendingManualApproval"},
            {"asusu-pipeline"},
        ),
        "delete a version": ("sagemaker:DeleteModelPackage", package, {}, set()),
        "start a job past the limits": ("sagemaker:CreateTrainingJob", run, {}, set()),
        "open a shell in a job": (
            "sagemaker:CreateTrainingJob",
            run,
            {
                "sagemaker:EnableRemoteDebug": "true",
                "sagemaker:NetworkIsolation": "true",
                "sagemaker:InstanceTypes": ["ml.g5.xlarge"],
                "sagemaker:MaxRuntimeInSeconds": 60,
            },
            set(),
        ),
        "write the champion": ("s3:PutObject", f"arn:aws:s3:::{BUCKET}/champion/asusu-igbo/x", {}, {"asusu-champion"}),
        "end a version of an object": ("s3:DeleteObjectVersion", f"arn:aws:s3:::{BUCKET}/checkpoints/e/x", {}, set()),
        "read the hub token": (
            "secretsmanager:GetSecretValue",
            f"arn:aws:secretsmanager:{HERE}:secret:asusu/hub-token-AbCdEf",
            {},
            {"asusu-stage-base-model"},
        ),
    }
    for what, (action, resource, context, who) in asked.items():
        found = {role for role in policies.roles if policies.allows(role, action, resource, context)}
        yield from (f"{role}: may {what}" for role in sorted(found - who))
        yield from (f"{role}: may not {what}" for role in sorted(who - found))
