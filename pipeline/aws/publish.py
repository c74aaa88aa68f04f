"""Publishes a content-hashed folder: what is there already is not sent again, and the manifest comes last.

A reader that finds the manifest finds every file of it. Objects carry their sha256 as metadata, since the service's own
sum of an object that came in parts is a sum of sums. Encryption is the bucket's own: a request that names no key gets it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipeline.aws import parts
from pipeline.aws.session import Account, Denied, Missing, explained
from pipeline.errors import BadInput
from pipeline.settings import Settings
from pipeline.staging.inputs import NONE_FOLDERS
from steps.contract import MANIFEST, NONE_OBJECT, FileEntry

Progress = Callable[[int, int, str], None]
SUM = "sha256"  # the name of the metadata
NONE_TEXT = b'{\n  "none": true\n}\n'


@dataclass(frozen=True)
class Published:
    """A folder that is now whole in the account, and what of it had to be sent."""

    address: str
    files: int
    bytes: int
    sent_files: int
    sent_bytes: int


def refuse_bucket(account: Account, chosen: Settings, number: str) -> None:
    """Raises BadInput where the environment's bucket is not there, or lies in another region.

    Whoever may only publish may not look at the bucket itself; then the first listing says what is wrong.
    """
    try:
        with explained(f"looking for the bucket {chosen.bucket}"):
            head = account.s3.head_bucket(Bucket=chosen.bucket, ExpectedBucketOwner=number)
    except Missing as error:
        raise BadInput(f"there is no bucket {chosen.bucket}", hint="make infra") from error
    except Denied:
        return
    region = head.get("BucketRegion") or chosen.region
    if region != chosen.region:
        raise BadInput(
            f"the bucket {chosen.bucket} lies in {region}, and the environment is in {chosen.region}",
            hint="correct bucket or region in the environment's file",
        )


def publish_folder(
    account: Account, bucket: str, prefix: str, folder: Path, files: list[FileEntry], progress: Progress
) -> Published:
    """Send what is missing of a whole local folder to `s3://<bucket>/<prefix>/`, its manifest last.

    After an interruption the same call goes on: with the next file, and in a large one with the next part. Raises
    AsusuError where the account refuses.
    """
    total = sum(entry.bytes for entry in files)
    there = _sizes(account, bucket, prefix)
    done = sent_files = sent_bytes = 0
    for entry in files:
        key = f"{prefix}/{entry.path}"
        if there.get(key) != entry.bytes or not _has_sum(account, bucket, key, entry):
            before = done

            def seen(count: int, before: int = before) -> None:
                progress(before + count, total, "bytes")

            _send(account, bucket, key, folder / entry.path, entry, seen)
            sent_files, sent_bytes = sent_files + 1, sent_bytes + entry.bytes
        done += entry.bytes
        progress(done, total, "bytes")
    with explained(f"writing {prefix}/{MANIFEST}"):
        account.s3.put_object(Bucket=bucket, Key=f"{prefix}/{MANIFEST}", Body=(folder / MANIFEST).read_bytes())
    return Published(f"s3://{bucket}/{prefix}", len(files), total, sent_files, sent_bytes)


def publish_none(account: Account, bucket: str, pipeline_name: str) -> list[str]:
    """The objects that jobs mount where there is no champion and nothing to resume from; keys of those that were missing."""
    made = []
    for pattern in NONE_FOLDERS:
        prefix = pattern.format(name=pipeline_name)
        with explained(f"looking below {prefix}"):
            if account.s3.list_objects_v2(Bucket=bucket, Prefix=f"{prefix}/", MaxKeys=1).get("KeyCount"):
                continue
            account.s3.put_object(Bucket=bucket, Key=f"{prefix}/{NONE_OBJECT}", Body=NONE_TEXT)
        made.append(f"{prefix}/{NONE_OBJECT}")
    return made


def _sizes(account: Account, bucket: str, prefix: str) -> dict[str, int]:
    """Key to bytes of every object below a prefix."""
    with explained(f"listing {prefix}"):
        pages = account.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{prefix}/")
        return {row["Key"]: row["Size"] for page in pages for row in page.get("Contents", [])}


def _has_sum(account: Account, bucket: str, key: str, entry: FileEntry) -> bool:
    with explained(f"looking at {key}"):
        head = account.s3.head_object(Bucket=bucket, Key=key)
    return bool(head.get("Metadata", {}).get(SUM) == entry.sha256)


def _send(account: Account, bucket: str, key: str, path: Path, entry: FileEntry, seen: Callable[[int], None]) -> None:
    if entry.bytes > parts.PART:
        parts.send_in_parts(account, bucket, key, path, {SUM: entry.sha256}, seen)
        return
    body = path.read_bytes()
    with explained(f"sending {key}"):
        account.s3.put_object(
            Bucket=bucket,
            Key=key,
            Body=body,
            Metadata={SUM: entry.sha256},
            ChecksumSHA256=parts.ContentSum(body).sha256,
        )
