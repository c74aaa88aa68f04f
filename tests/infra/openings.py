"""Ways in and ways round that somebody could open in the templates: rights, trusts, sharing, what ends by itself.

Rows as in `tests.infra.mutations`: the rule that must find each, what the mistake is, where, and the change.
"""

from __future__ import annotations

from typing import Any

from tests.infra.mistakes import Change, add_resource, put, statement, without

ARN = "arn:${AWS::Partition}:"
BUCKET: dict[str, str] = {"Fn::Sub": f"{ARN}s3:::asusu-${{AWS::AccountId}}-${{AWS::Region}}"}
KEY = {"Fn::ImportValue": "asusu-key-arn"}
STRANGER = {"AWS": {"Fn::Sub": f"{ARN}iam::000000000000:root"}}
ANYBODY = {"AWS": "*"}
LAMBDA = {"Service": "lambda.amazonaws.com"}
OUR_OWN = {"AWS": {"Fn::Sub": f"{ARN}iam::${{AWS::AccountId}}:root"}}
OPEN = {"Sid": "Open", "Effect": "Allow", "Resource": "*"}
TRUST = ("AssumeRolePolicyDocument", "Statement")


def here(service: str, rest: str) -> dict[str, str]:
    """ARN of a thing in this account and region."""
    return {"Fn::Sub": f"{ARN}{service}:${{AWS::Region}}:${{AWS::AccountId}}:{rest}"}


def role(name: str) -> dict[str, str]:
    """ARN of a role."""
    return {"Fn::Sub": f"{ARN}iam::${{AWS::AccountId}}:role/{name}"}


def below(prefix: str) -> dict[str, str]:
    """ARN of the objects below a prefix."""
    return {"Fn::Sub": f"{BUCKET['Fn::Sub']}/{prefix}/*"}


def more(action: str, resource: Any) -> Change:
    """One more right of a role."""
    return add("Policies", 0, "PolicyDocument", "Statement", row=OPEN | {"Action": action, "Resource": resource})


def add(*way: Any, row: Any) -> Change:
    """One more of a list that `way` leads to, below Properties."""

    def change(resource: dict[str, Any]) -> None:
        place: Any = resource["Properties"]
        for part in way:
            place = place[part]
        place.append(row)

    return change


def nothing_denied(resource: dict[str, Any]) -> None:
    """A role that is denied nothing."""
    rows = resource["Properties"]["Policies"][0]["PolicyDocument"]["Statement"]
    rows[:] = [row for row in rows if row["Effect"] != "Deny"]


def whole_bucket(resource: dict[str, Any]) -> None:
    """Lifecycle rules for every prefix."""
    for row in resource["Properties"]["LifecycleConfiguration"]["Rules"]:
        row.pop("Prefix", None)


def lifecycle(**row: Any) -> Change:
    """One more lifecycle rule."""
    return add("LifecycleConfiguration", "Rules", row={"Id": "more", "Status": "Enabled"} | row)


GLACIER = [{"StorageClass": "GLACIER", "TransitionInDays": 1}]
SHARED = OPEN | {
    "Principal": STRANGER,
    "Action": ["s3:GetObject", "s3:PutObject"],
    "Resource": {"Fn::Sub": "${Bucket.Arn}/*"},
}
TURNED_OFF = ["s3:PutBucketVersioning", "s3:PutLifecycleConfiguration"]
OF_A_GROUP = here("sagemaker", "model-package-group/asusu-*")
LISTS_ALL = {"StringLikeIfExists": {"s3:prefix": ["corpora/*"]}}
PIPELINE, TRAIN = "job-roles.PipelineRole", "job-roles.TrainRole"
OPERATOR, DEPLOY, APPROVER = (f"people-roles.{name}Role" for name in ("Operator", "Deploy", "Approver"))
CORPUS, STAGING = "people-roles.PublishCorpusRole", "people-roles.StageBaseModelRole"
CHAMPION, NOTICE = "operations.ChampionRole", "operations.NoticeRole"
OTHER_ROLE = {
    "PolicyName": "more",
    "Roles": ["asusu-operator"],
    "PolicyDocument": {"Statement": [OPEN | {"Action": "*"}]},
}

OPENINGS: dict[str, list[tuple[str, str, Change]]] = {
    "granted-actions": [
        ("an operator who becomes the approver", OPERATOR, more("sts:AssumeRole", role("asusu-approver"))),
        ("an operator who rewrites its own role", OPERATOR, more("iam:PutRolePolicy", role("asusu-operator"))),
        (
            "an operator who replaces a function",
            OPERATOR,
            more("lambda:UpdateFunctionCode", here("lambda", "function:x")),
        ),
        (
            "an operator who ends versions and lets objects expire",
            OPERATOR,
            add("Policies", 0, "PolicyDocument", "Statement", row=OPEN | {"Action": TURNED_OFF, "Resource": BUCKET}),
        ),
        (
            "an operator who shares a group",
            OPERATOR,
            more("sagemaker:PutModelPackageGroupPolicy", OF_A_GROUP),
        ),
        (
            "a deployment that rewrites who approves",
            DEPLOY,
            more("iam:UpdateAssumeRolePolicy", role("asusu-approver")),
        ),
        ("a deployment that rewrites the key's policy", DEPLOY, more("kms:PutKeyPolicy", KEY)),
        (
            "a deployment that deletes images",
            DEPLOY,
            more("ecr:BatchDeleteImage", here("ecr", "repository/asusu-*")),
        ),
        ("training that rewrites the bucket's policy", TRAIN, more("s3:PutBucketPolicy", BUCKET)),
        (
            "a notice that calls the champion",
            NOTICE,
            more("lambda:InvokeFunction", here("lambda", "function:asusu-champion")),
        ),
        ("training that cannot encrypt its model", "job-roles.JobPolicy", statement("Key", Action="kms:Decrypt")),
        (
            "a role that nobody wrote down",
            "operations.More",
            add_resource(
                "AWS::IAM::Role",
                {"RoleName": "more", "AssumeRolePolicyDocument": {"Statement": []}}
                | {"Policies": [{"PolicyName": "more", "PolicyDocument": {"Statement": [OPEN | {"Action": "sts:*"}]}}]},
            ),
        ),
    ],
    "no-wild-actions": [
        (
            "a policy of AWS's own",
            OPERATOR,
            add("ManagedPolicyArns", row="arn:aws:iam::aws:policy/AdministratorAccess"),
        ),
    ],
    "places-of-objects": [
        ("a pipeline that deletes checkpoints", PIPELINE, more("s3:DeleteObject", below("checkpoints"))),
        ("a champion's function that deletes checkpoints", CHAMPION, more("s3:DeleteObject", below("checkpoints"))),
        ("staging that reads corpora", STAGING, more("s3:GetObject", below("corpora"))),
        ("an approver who writes reports", APPROVER, more("s3:PutObject", below("runs"))),
        ("a corpus role that writes champions", CORPUS, more("s3:PutObject", below("champion"))),
    ],
    "lists-of-a-prefix": [
        ("a publisher who lists the whole bucket", CORPUS, statement("List", Condition=LISTS_ALL)),
        ("a job that lists the whole bucket", TRAIN, statement("List", Condition=None)),
    ],
    "denied-for-good": [
        ("a pipeline that is denied nothing", PIPELINE, nothing_denied),
        ("an approver who is denied nothing", APPROVER, nothing_denied),
        ("an operator who is denied nothing", OPERATOR, nothing_denied),
        ("a deployment that is denied nothing", DEPLOY, nothing_denied),
        ("training that is denied nothing", TRAIN, nothing_denied),
    ],
    "trusted-by-whom-it-should": [
        ("training that everybody takes, beside SageMaker", TRAIN, put(*TRUST, 0, "Principal", "AWS", "*")),
        ("training that a function takes", TRAIN, put(*TRUST, 0, "Principal", LAMBDA)),
        ("an operator that a function takes", OPERATOR, put(*TRUST, 0, "Principal", LAMBDA)),
        ("a function's role that people take", CHAMPION, put(*TRUST, 0, "Principal", OUR_OWN)),
        (
            "a second statement of trust",
            DEPLOY,
            add(*TRUST, row={"Effect": "Allow", "Principal": ANYBODY, "Action": "sts:AssumeRole"}),
        ),
        ("an approver for twelve hours", APPROVER, put("MaxSessionDuration", 43200)),
    ],
    "shared-with-nobody": [
        (
            "a key that is everybody's",
            "platform.Key",
            add("KeyPolicy", "Statement", row=OPEN | {"Principal": ANYBODY, "Action": "kms:*"}),
        ),
        (
            "a bucket shared with another account",
            "platform.BucketPolicy",
            add("PolicyDocument", "Statement", row=SHARED),
        ),
        ("a policy beside the roles", "people-roles.More", add_resource("AWS::IAM::Policy", OTHER_ROLE)),
        ("a repository with a policy of its own", "platform.TrainImages", put("RepositoryPolicyText", {})),
    ],
    "called-by-their-rules": [
        ("a function that everybody calls", "operations.PackageChangedMayCall", put("Principal", "*")),
    ],
    "closed-buckets": [
        ("old versions that end everywhere", "platform.Bucket", whole_bucket),
        (
            "old versions that end below runs/",
            "platform.Bucket",
            lifecycle(Prefix="runs/", NoncurrentVersionExpiration={"NoncurrentDays": 90}),
        ),
        ("checkpoints in a glacier", "platform.Bucket", lifecycle(Prefix="checkpoints/", Transitions=GLACIER)),
        ("access lists", "platform.Bucket", without("Properties", "OwnershipControls")),
    ],
    "keys-that-turn": [
        ("a key that is never renewed", "platform.Key", put("EnableKeyRotation", False)),
        ("a token under the service's key", "platform.HubToken", without("Properties", "KmsKeyId")),
    ],
    "one-key": [
        (
            "objects under a key of the sender's",
            "platform.BucketPolicy",
            statement("NoKeyOfTheSenders", Action="s3:GetObject"),
        ),
    ],
    "lasting-things-are-kept": [
        (
            "a bucket that a failed creation leaves behind",
            "platform.Bucket",
            lambda resource: resource.update(DeletionPolicy="Retain"),
        ),
    ],
}
