"""The artifact bucket and the key: there, in the right region, safe enough, and usable by the steps' roles."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.aws.preflight.asking import found
from pipeline.aws.preflight.roles import simulate
from pipeline.aws.session import Account
from pipeline.preflight.check import Check
from pipeline.settings import Settings

KEY_USES = [
    "kms:GenerateDataKey",
    "kms:Decrypt",
    "kms:Encrypt",
]  # the last for a training job that names the key by alias


def check_bucket(account: Account, chosen: Settings, number: str) -> Iterator[Check]:
    """The bucket is this account's and in the environment's region; versions and encryption are warnings."""
    name, bucket = f"bucket {chosen.bucket}", chosen.bucket
    answer = found(f"looking at {name}", account.s3.head_bucket, Bucket=bucket, ExpectedBucketOwner=number)
    if answer is None:
        yield Check(name, "refused", "there is none", "make infra")
        return
    region = _region(account, bucket, answer)
    if region != chosen.region:
        detail = f"it lies in {region}, and the environment is in {chosen.region}: jobs read in their own region only"
        yield Check(name, "refused", detail, "correct bucket or region in the environment's file")
        return
    yield Check(name, "ok", f"there, in {region}")
    state = found(f"asking for the versions of {bucket}", account.s3.get_bucket_versioning, Bucket=bucket)
    if (state or {}).get("Status") == "Enabled":
        yield Check("bucket versions", "ok", "kept: what a job deletes can be had back")
    else:
        detail = "not kept: a checkpoint that is deleted, or written over, is gone"
        yield Check("bucket versions", "warning", detail, "make infra")
    yield _encryption(account, bucket)


def _encryption(account: Account, bucket: str) -> Check:
    answer = found(f"asking how {bucket} encrypts", account.s3.get_bucket_encryption, Bucket=bucket)
    rules = (answer or {}).get("ServerSideEncryptionConfiguration", {}).get("Rules", [])
    kinds = [rule.get("ApplyServerSideEncryptionByDefault", {}).get("SSEAlgorithm", "") for rule in rules]
    if any(kind.startswith("aws:kms") for kind in kinds):
        return Check("bucket encryption", "ok", "with a key of KMS where nobody names one")
    return Check("bucket encryption", "warning", "what names no key is not encrypted with KMS", "make infra")


def check_key(account: Account, chosen: Settings) -> Iterator[Check]:
    """The key is enabled, and no policy that IAM can see keeps the steps' roles from it."""
    name = f"key {chosen.kms_key}"
    answer = found(f"looking at {name}", account.client("kms").describe_key, KeyId=chosen.kms_key)
    if answer is None:
        yield Check(name, "refused", f"there is none in {chosen.region}", "make infra")
        return
    key = answer["KeyMetadata"]
    usage = key.get("KeyUsage") or "ENCRYPT_DECRYPT"  # the service's default
    if key.get("KeyState") != "Enabled" or usage != "ENCRYPT_DECRYPT":
        detail = f"its state is {key.get('KeyState')}, and it is for {usage}"
        yield Check(name, "refused", detail, "enable it, or name another: kms_key in the environment's file")
        return
    yield Check(name, "ok", f"enabled: {key['Arn']}")
    for role in dict.fromkeys((chosen.roles.prepare, chosen.roles.train, chosen.roles.evaluate)):
        yield _use_of(account, str(key["Arn"]), role)


def _use_of(account: Account, key: str, role: str) -> Check:
    """An explicit denial is one. Without an allowance in IAM the key's own policy may still allow, which nobody simulates."""
    name = f"key for {role.rsplit('/', 1)[-1]}"
    decisions = simulate(account, role, KEY_USES, key)
    denied = [action for action, decision in decisions.items() if decision == "explicitDeny"]
    if denied:
        return Check(name, "refused", f"{', '.join(denied)} denied", f"allow it on {key}: make infra")
    if all(decisions.get(action) == "allowed" for action in KEY_USES):
        return Check(name, "ok", "may encrypt and decrypt")
    return Check(name, "unknown", "its policies do not allow it; the key's own policy may", "make infra")


def _region(account: Account, bucket: str, head: dict[str, object]) -> str:
    if head.get("BucketRegion"):
        return str(head["BucketRegion"])
    answer = found(f"asking where {bucket} lies", account.s3.get_bucket_location, Bucket=bucket)
    return str((answer or {}).get("LocationConstraint") or "us-east-1")
