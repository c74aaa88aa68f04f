"""Who is let in from outside a role's own policy: by a trust, by the key, by a bucket, by anything's own policy."""

from __future__ import annotations

from typing import Any

from tests.infra.policies import Policies, listed
from tests.infra.rules import Findings, of_type, rule
from tests.infra.templates import ACCOUNT, BUCKET, HERE, Resource

ROOT = {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}
SAGEMAKER = {
    "Principal": {"Service": "sagemaker.amazonaws.com"},
    "Action": ["sts:AssumeRole"],
    "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
}
FUNCTION = {"Principal": {"Service": "lambda.amazonaws.com"}, "Action": ["sts:AssumeRole"], "Condition": {}}
PERSON = {"Principal": ROOT, "Action": ["sts:AssumeRole", "sts:SetSourceIdentity"], "Condition": {}}
TRUST = {
    **dict.fromkeys(("asusu-pipeline", "asusu-prepare", "asusu-train", "asusu-evaluate"), SAGEMAKER),
    **dict.fromkeys(("asusu-champion", "asusu-notice"), FUNCTION),
    **dict.fromkeys(("asusu-stage-base-model", "asusu-publish-corpus", "asusu-deploy", "asusu-operator"), PERSON),
    "asusu-approver": PERSON | {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}},
}
HOUR = 3600
SESSIONS = {"asusu-stage-base-model": 4, "asusu-publish-corpus": 4, "asusu-operator": 12}  # hours at most; others one
HELD_ELSEWHERE = (  # kinds that give rights to what another resource is, past the tables of grants
    "AWS::EC2::InstanceProfile",
    "AWS::ECR::RegistryPolicy",
    "AWS::IAM::AccessKey",
    "AWS::IAM::Group",
    "AWS::IAM::GroupPolicy",
    "AWS::IAM::Policy",
    "AWS::IAM::RolePolicy",
    "AWS::IAM::User",
    "AWS::IAM::UserPolicy",
    "AWS::IAM::UserToGroupAddition",
    "AWS::Lambda::Url",
    "AWS::S3::AccessGrant",
    "AWS::S3::AccessPoint",
    "AWS::SNS::TopicPolicy",
    "AWS::SecretsManager::ResourcePolicy",
)
OWN_POLICIES = ("ModelPackageGroupPolicy", "RepositoryPolicyText")
KEY_POLICY = [{"Effect": "Allow", "Principal": ROOT, "Action": "kms:*", "Resource": "*"}]
LOGS = {
    "Effect": "Allow",
    "Principal": {"Service": "logging.s3.amazonaws.com"},
    "Action": "s3:PutObject",
    "Resource": f"arn:aws:s3:::{BUCKET}-access-logs/artifacts/*",
    "Condition": {"StringEquals": {"aws:SourceAccount": ACCOUNT}},
}


@rule
def trusted_by_whom_it_should(resources: list[Resource], _: Policies) -> Findings:
    """A role is taken by one service or by this account's people, and by nobody beside; the approver with a second factor."""
    for role in of_type(resources, "AWS::IAM::Role"):
        name, rows = role.properties["RoleName"], role.properties["AssumeRolePolicyDocument"]["Statement"]
        found = [
            {
                "Principal": row.get("Principal"),
                "Action": listed(row["Action"]),
                "Condition": row.get("Condition") or {},
            }
            for row in rows
        ]
        if found != [TRUST.get(name)]:
            yield f"{role.where}: is taken by {found}"
        if role.properties.get("MaxSessionDuration", HOUR) > SESSIONS.get(name, 1) * HOUR:
            yield f"{role.where}: is kept for {role.properties['MaxSessionDuration']} seconds"


@rule
def shared_with_nobody(resources: list[Resource], _: Policies) -> Findings:
    """What a role may do stands in its own policies: key, buckets and the rest let nobody in by theirs."""
    for row in resources:
        if row.type in HELD_ELSEWHERE or {"Users", "Groups", "Roles"} & row.properties.keys():
            yield f"{row.where}: gives rights that the tables do not see"
        yield from (f"{row.where}: has a policy of its own" for name in OWN_POLICIES if name in row.properties)
        if row.type == "AWS::KMS::Key" and [_unnamed(one) for one in _statements(row, "KeyPolicy")] != KEY_POLICY:
            yield f"{row.where}: lets in others than this account's roles"
        if row.type == "AWS::S3::BucketPolicy":
            allows = [one for one in _statements(row, "PolicyDocument") if one["Effect"] == "Allow"]
            yield from (f"{row.where}: {one['Sid']} lets others in" for one in allows if _unnamed(one) != LOGS)


@rule
def called_by_their_rules(resources: list[Resource], _: Policies) -> Findings:
    """A function is called by the event rules of this stack and by nobody else."""
    rules = {f"arn:aws:events:{HERE}:rule/{row.name}" for row in of_type(resources, "AWS::Events::Rule")}
    for row in of_type(resources, "AWS::Lambda::Permission"):
        called = (row.properties["Action"], row.properties["Principal"])
        if called != ("lambda:InvokeFunction", "events.amazonaws.com") or row.properties.get("SourceArn") not in rules:
            yield f"{row.where}: {row.properties['Principal']} may call it"


def _statements(row: Resource, name: str) -> list[dict[str, Any]]:
    return list(row.properties[name]["Statement"])


def _unnamed(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "Sid"}
