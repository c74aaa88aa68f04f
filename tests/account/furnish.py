"""What an account holds once the infrastructure is deployed: bucket, key, repositories, roles, group, people, quotas.

Things are made here one by one, and the stacks of the infrastructure by name alone, with a resource that is nothing: moto
does not know half of what the real templates make. tests/infra holds those.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from pipeline.aws.preflight.deployment import STACKS
from pipeline.settings import Settings

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
NOTHING = {"Resources": {"Nothing": {"Type": "AWS::CloudFormation::WaitConditionHandle"}}}
QUOTAS = {  # names and codes as in a public inventory of the service's quotas
    "ml.g5.xlarge for training job usage": ("L-B6D80D9C", 2),
    "ml.g5.xlarge for spot training job usage": ("L-DE07CBDF", 2),
    "ml.g5.xlarge for processing job usage": ("L-BE792A7A", 1),
    "ml.m5.xlarge for processing job usage": ("L-0307F515", 4),
    "ml.m5.xlarge for training job usage": ("L-CCE2AFA6", 4),
    "Number of instances across all training jobs": ("L-00C91CB5", 4),
    "Number of instances across all spot training jobs": ("L-93958082", 4),
    "Number of instances across all processing jobs": ("L-F311B08F", 4),
    "Maximum number of instances per training job": ("L-622CFD70", 20),
    "Maximum number of instances per processing job": ("L-D7CE9A16", 20),
    "Longest run time for a training job": ("L-33A961FD", 432_000),
    "Longest run time for a processing job": ("L-EA47BDD3", 432_000),
}
PRICES = {"ml.g5.xlarge-Training": 1.408, "ml.g5.xlarge-Processing": 1.408, "ml.m5.xlarge-Processing": 0.23}


@dataclass(frozen=True)
class Person:
    """Somebody with access keys."""

    name: str
    key: str
    secret: str


def write_tables(folder: Path, *, quotas: dict[str, float] | None = None) -> None:
    """Quotas (the usual ones, changed by `quotas`, by name) and prices."""
    rows = [
        {"QuotaName": name, "QuotaCode": code, "Value": float((quotas or {}).get(name, value))}
        for name, (code, value) in QUOTAS.items()
    ]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "quotas.json").write_text(json.dumps(rows), encoding="utf-8")
    (folder / "prices.json").write_text(json.dumps(PRICES), encoding="utf-8")


def furnish(
    endpoint: str, chosen: Settings, group: str, people: tuple[str, ...]
) -> tuple[dict[str, Person], dict[str, str]]:
    """Make everything; returns people by name, and the images by step, each with the digest its repository gave it."""
    client = _clients(endpoint, chosen.region)
    client("s3").create_bucket(Bucket=chosen.bucket)
    client("s3").put_bucket_versioning(Bucket=chosen.bucket, VersioningConfiguration={"Status": "Enabled"})
    key = client("kms").create_key()["KeyMetadata"]["KeyId"]
    sealed = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    client("s3").put_bucket_encryption(
        Bucket=chosen.bucket,
        ServerSideEncryptionConfiguration={"Rules": [{"ApplyServerSideEncryptionByDefault": sealed}]},
    )
    client("kms").create_alias(AliasName=chosen.kms_key, TargetKeyId=key)
    for arn in chosen.roles.model_dump().values():
        client("iam").create_role(RoleName=arn.rpartition("/")[2], AssumeRolePolicyDocument=json.dumps(TRUST))
    client("sagemaker").create_model_package_group(ModelPackageGroupName=group)
    client("sns").create_topic(Name="asusu")
    for name in STACKS:
        deploy_stack(client("cloudformation"), name)
    images = {step: _push(client("ecr"), image) for step, image in chosen.images.model_dump().items()}
    return {name: _person(client("iam"), name) for name in people}, images


def deploy_stack(cloudformation: Any, name: str) -> None:
    """A stack of that name, with nothing in it."""
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(NOTHING))


def _push(ecr: Any, image: str) -> str:
    """An image in the repository that the settings name, by its digest."""
    address = image.partition("@")[0]
    repository = address.partition("/")[2].partition(":")[0]
    ecr.create_repository(repositoryName=repository, imageTagMutability="IMMUTABLE")
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
        "config": {
            "mediaType": "application/vnd.docker.container.image.v1+json",
            "size": 2,
            "digest": "sha256:" + "0" * 64,
        },
        "layers": [],
        "annotations": {"repository": repository},
    }
    pushed = ecr.put_image(repositoryName=repository, imageManifest=json.dumps(manifest), imageTag="tested")
    return f"{address.partition(':')[0]}@{pushed['image']['imageId']['imageDigest']}"


def _person(iam: Any, name: str) -> Person:
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return Person(name, key["AccessKeyId"], key["SecretAccessKey"])


def _clients(endpoint: str, region: str) -> Any:
    keys = {"aws_access_key_id": "setup", "aws_secret_access_key": "setup"}
    return lambda service: boto3.client(service, region_name=region, endpoint_url=endpoint, **keys)
