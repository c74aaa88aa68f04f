"""An account as the infrastructure leaves it, in moto; quotas, prices and simulations, which moto lacks, are recorded."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from botocore.stub import ANY, Stubber
from moto import mock_aws

from pipeline.aws.session import Account
from pipeline.settings import Settings
from tests.unit.preflight.deployed import BUCKET, NUMBER, REGION, REGISTRY, chosen

GROUP = "asusu-igbo"
SAGEMAKER = "sagemaker.amazonaws.com"
ADA = f"arn:aws:iam::{NUMBER}:user/ada"
KEY_USES = ["kms:GenerateDataKey", "kms:Decrypt", "kms:Encrypt"]
PASS = "iam:PassRole"
CREATED = (*["sagemaker:CreateProcessingJob"] * 3, *["sagemaker:CreateTrainingJob"] * 2)  # alike jobs asked for once
QUOTAS = {
    "ml.g5.xlarge for training job usage": ("L-B6D80D9C", 1.0),
    "ml.g5.xlarge for processing job usage": ("L-BE792A7A", 1.0),
    "ml.m5.xlarge for processing job usage": ("L-0307F515", 4.0),
    "Number of instances across all training jobs": ("L-00C91CB5", 4.0),
    "Number of instances across all processing jobs": ("L-F311B08F", 4.0),
    "Maximum number of instances per training job": ("L-622CFD70", 20.0),
    "Maximum number of instances per processing job": ("L-00000001", 20.0),
    "Longest run time for a training job": ("L-33A961FD", 432_000.0),
    "Longest run time for a processing job": ("L-EA47BDD3", 432_000.0),
}


def trust(service: str = SAGEMAKER, **condition: Any) -> dict[str, Any]:
    """A role's trust policy."""
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [statement | ({"Condition": condition} if condition else {})]}


@dataclass
class Stand:
    """The account, the environment, and stubs for what moto cannot answer."""

    account: Account
    settings: Settings
    stubs: list[Stubber] = field(default_factory=list)

    def stub(self, service: str, region: str = REGION) -> Stubber:
        """A stub of one client, from now on; nothing of that client reaches moto any more."""
        stub = Stubber(self.account.client(service, region))
        stub.activate()
        self.stubs.append(stub)
        return stub

    def quotas(self, **changed: float | None) -> None:
        """Script the quotas' list and, in the order in which they are asked, the applied values."""
        rows = {code: (name, value) for name, (code, value) in QUOTAS.items()}
        listed = [self._quota(code, name, 0.0) for code, (name, _) in rows.items()]  # the list's value is not believed
        stub = self.stub("service-quotas")
        half = len(listed) // 2
        pages = [{"Quotas": listed[:half], "NextToken": "more"}, {"Quotas": listed[half:]}]
        stub.add_response("list_service_quotas", pages[0], {"ServiceCode": "sagemaker"})
        stub.add_response("list_service_quotas", pages[1], {"ServiceCode": "sagemaker", "NextToken": "more"})
        for code in ASKED:
            name, value = rows[code]
            given = changed.get(code.replace("-", "_"), value)
            asked = {"ServiceCode": "sagemaker", "QuotaCode": code}
            if given is None:
                stub.add_client_error("get_service_quota", "NoSuchResourceException", expected_params=asked)
            else:
                stub.add_response("get_service_quota", {"Quota": self._quota(code, name, given)}, asked)

    def iam(self, decision: str = "allowed", *, passing: bool = False) -> Stubber:
        """Script what the checks ask of IAM, in their order: the roles, the key's use, passing roles, creating jobs."""
        stub = self.stub("iam")
        roles = self.settings.roles
        for arn in (roles.pipeline, roles.prepare, roles.train, roles.evaluate):
            stub.add_response("get_role", {"Role": role(arn)}, {"RoleName": arn.rsplit("/", 1)[-1]})
        for arn in (roles.prepare, roles.train, roles.evaluate):
            asked = {"PolicySourceArn": arn, "ActionNames": KEY_USES, "ResourceArns": ANY, "ContextEntries": []}
            stub.add_response("simulate_principal_policy", simulation(decision, *KEY_USES), asked)
        for source in (ADA, *[roles.pipeline] * 3) if passing else ():
            asked = {"PolicySourceArn": source, "ActionNames": [PASS], "ResourceArns": ANY, "ContextEntries": ANY}
            stub.add_response("simulate_principal_policy", simulation(decision, PASS), asked)
        for action in CREATED if passing else ():
            asked = {"PolicySourceArn": roles.pipeline, "ActionNames": [action]}
            asked |= {"ResourceArns": ANY, "ContextEntries": ANY}
            stub.add_response("simulate_principal_policy", simulation(decision, action), asked)
        return stub

    def caller(self, arn: str, times: int) -> None:
        """Script who we are."""
        stub = self.stub("sts")
        for _ in range(times):
            stub.add_response("get_caller_identity", {"Account": NUMBER, "Arn": arn, "UserId": "AIDAX"})

    def price(self, *prices: float) -> None:
        """Script the price list."""
        self.stub("pricing").add_response(
            "get_products", {"PriceList": [product(price) for price in prices]}, {"ServiceCode": ANY, "Filters": ANY}
        )

    @staticmethod
    def _quota(code: str, name: str, value: float) -> dict[str, Any]:
        return {"ServiceCode": "sagemaker", "QuotaCode": code, "QuotaName": name, "Value": value, "Unit": "None"}


ASKED = (  # the quotas of the shipped graph, in the order of its steps
    "L-0307F515",
    "L-B6D80D9C",
    "L-BE792A7A",
    "L-F311B08F",
    "L-00C91CB5",
    "L-00000001",
    "L-622CFD70",
    "L-EA47BDD3",
    "L-33A961FD",
)


def product(price: float, unit: str = "Hrs") -> str:
    """One product of the price list, as it answers: a JSON text."""
    row = {"unit": unit, "pricePerUnit": {"USD": f"{price:.10f}"}, "description": "per Hosting"}
    terms = {"SKU.JRTCKXETXF": {"priceDimensions": {"SKU.JRTCKXETXF.6YS6EN2CT7": row}}}
    attributes = {"instanceType": "ml.g5.xlarge-Training", "component": "Training", "regionCode": REGION}
    return json.dumps(
        {"product": {"attributes": attributes}, "serviceCode": "AmazonSageMaker", "terms": {"OnDemand": terms}}
    )


def role(arn: str) -> dict[str, Any]:
    """A role as GetRole answers."""
    policy = json.dumps(trust(StringEquals={"aws:SourceAccount": NUMBER}))
    named = {"Path": "/", "RoleName": arn.rsplit("/", 1)[-1], "RoleId": "AROAXAROAXAROAXAROAX", "Arn": arn}
    return named | {"CreateDate": "2026-01-01T00:00:00Z", "AssumeRolePolicyDocument": policy}


def simulation(decision: str, *actions: str, missing: tuple[str, ...] = ()) -> dict[str, Any]:
    """An answer of SimulatePrincipalPolicy."""
    rows = [
        {"EvalActionName": action, "EvalDecision": decision, "MissingContextValues": list(missing)}
        for action in actions
    ]
    return {"EvaluationResults": rows, "IsTruncated": False}


@pytest.fixture(scope="session")
def clients() -> dict[str, Any]:
    """Made once: making a client reads megabytes of JSON."""
    return {}


@pytest.fixture
def empty(monkeypatch: pytest.MonkeyPatch, clients: dict[str, Any]) -> Iterator[Stand]:
    """An account without any of our things."""
    for name in ("AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with mock_aws():
        stand = Stand(Account(REGION, clients=clients), chosen())
        yield stand
        for stub in stand.stubs:
            stub.deactivate()


@pytest.fixture
def stand(empty: Stand) -> Stand:
    """An account after `make infra` and `make push-images`; the images' real digests are in the settings."""
    account = empty.account
    account.s3.create_bucket(Bucket=BUCKET)
    account.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}, "BucketKeyEnabled": True}
    account.s3.put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration={"Rules": [rule]})
    make_key(empty)
    make_roles(empty)
    account.sagemaker.create_model_package_group(ModelPackageGroupName=GROUP)
    images = {step: push(account, f"asusu-{step}") for step in empty.settings.images.model_dump()}
    empty.settings = chosen(images=images)
    return empty


def make_key(stand: Stand) -> str:
    """The environment's key; its id."""
    kms = stand.account.client("kms")
    key: str = kms.create_key()["KeyMetadata"]["KeyId"]
    kms.create_alias(AliasName=stand.settings.kms_key, TargetKeyId=key)
    return key


def make_roles(stand: Stand) -> None:
    """The environment's roles, as the infrastructure makes them trusted."""
    policy = json.dumps(trust(StringEquals={"aws:SourceAccount": NUMBER}))
    for arn in stand.settings.roles.model_dump().values():
        stand.account.client("iam").create_role(RoleName=arn.rsplit("/", 1)[-1], AssumeRolePolicyDocument=policy)


def push(account: Account, repository: str) -> str:
    """A repository with one image; its name with the digest."""
    ecr = account.client("ecr")
    ecr.create_repository(repositoryName=repository)
    manifest = json.dumps({"schemaVersion": 2, "config": {"digest": repository}})
    answer = ecr.put_image(
        repositoryName=repository,
        imageManifest=manifest,
        imageManifestMediaType="application/vnd.docker.distribution.manifest.v2+json",
        imageTag="t",
    )
    return f"{REGISTRY}/{repository}@{answer['image']['imageId']['imageDigest']}"


def put_folder(account: Account, folder: Path, prefix: str) -> None:
    """Upload a folder as it is, with the sums that publishing notes."""
    from steps.sums import sha256_file

    for path in folder.rglob("*"):
        if path.is_file():
            key = f"{prefix}/{path.relative_to(folder).as_posix()}"
            account.s3.put_object(
                Bucket=BUCKET, Key=key, Body=path.read_bytes(), Metadata={"sha256": sha256_file(path)}
            )
