"""Sends a large file in parts, and goes on with an upload that was cut: the parts that came are not sent again.

An upload that is never finished costs its storage; the bucket's rule ends it after a week.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from pipeline.aws.session import Account, Denied, explained

PART = 64 * 1024 * 1024  # bytes; the service takes 5 MiB to 5 GiB, and at most 10,000 parts
MOST_PARTS = 10_000
AT_ONCE = 4  # parts in memory and on the way


class ContentSum:
    """The sums of some bytes as the service states them."""

    def __init__(self, content: bytes) -> None:
        self.sha256 = base64.b64encode(hashlib.sha256(content).digest()).decode()
        self._md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()

    def is_that_of(self, part: Mapping[str, Any]) -> bool:
        """Whether a part that came has these bytes. Without a sha256 its ETag is their MD5, but not where KMS encrypts."""
        if stated := part.get("ChecksumSHA256"):
            return bool(stated == self.sha256)
        return str(part.get("ETag", "")).strip('"') == self._md5


def send_in_parts(
    account: Account, bucket: str, key: str, path: Path, metadata: Mapping[str, str], seen: Callable[[int], None]
) -> None:
    """Send a file; `seen` is told the bytes that are there, those of an earlier attempt included.

    Raises AsusuError where the account refuses; what came stays for the next attempt.
    """
    size = path.stat().st_size
    part = max(PART, -(-size // MOST_PARTS))
    upload, there = _unfinished(account, bucket, key)
    with explained(f"sending {key}"):
        if not upload:
            upload = account.s3.create_multipart_upload(
                Bucket=bucket, Key=key, Metadata=dict(metadata), ChecksumAlgorithm="SHA256"
            )["UploadId"]
        target = {"Bucket": bucket, "Key": key, "UploadId": upload}
        parts = _send_missing(account, target, path, part, there, seen)
        account.s3.complete_multipart_upload(**target, MultipartUpload={"Parts": parts})


def _unfinished(account: Account, bucket: str, key: str) -> tuple[str, dict[int, dict[str, Any]]]:
    """The newest unfinished upload of a key and its parts by number; an empty id where there is none.

    Whoever may not list them begins anew.
    """
    try:
        with explained(f"looking for an unfinished upload of {key}"):
            pages = account.s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=key)
            uploads = [row for page in pages for row in page.get("Uploads", []) if row["Key"] == key]
            if not uploads:
                return "", {}
            upload = str(max(uploads, key=lambda row: (row["Initiated"], row["UploadId"]))["UploadId"])
            found = account.s3.get_paginator("list_parts").paginate(Bucket=bucket, Key=key, UploadId=upload)
            return upload, {row["PartNumber"]: row for page in found for row in page.get("Parts", [])}
    except Denied:
        return "", {}


def _send_missing(
    account: Account,
    target: Mapping[str, str],
    path: Path,
    size: int,
    there: Mapping[int, Mapping[str, Any]],
    seen: Callable[[int], None],
) -> list[dict[str, Any]]:
    """All parts as completing wants them, in order; few are in memory at a time."""
    done: dict[int, dict[str, Any]] = {}
    came = 0
    waiting: dict[Future[dict[str, Any]], int] = {}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            for number, content in _pieces(path, size):
                task = pool.submit(_part, account, target, number, content, there.get(number, {}))
                waiting[task] = len(content)
                while len(waiting) >= AT_ONCE:
                    came += _collect(waiting, done)
                    seen(came)
            while waiting:
                came += _collect(waiting, done)
                seen(came)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return [done[number] for number in sorted(done)]


def _collect(waiting: dict[Future[dict[str, Any]], int], done: dict[int, dict[str, Any]]) -> int:
    """Bytes of the parts that have come by now; at least one. Raises what sending one raised."""
    finished, _ = wait(waiting, return_when=FIRST_COMPLETED)
    came = 0
    for task in finished:
        part = task.result()
        done[part["PartNumber"]] = part
        came += waiting.pop(task)
    return came


def _part(
    account: Account, target: Mapping[str, str], number: int, content: bytes, there: Mapping[str, Any]
) -> dict[str, Any]:
    own = ContentSum(content)
    if own.is_that_of(there):
        return {"PartNumber": number, "ETag": there["ETag"], "ChecksumSHA256": own.sha256}
    answer = account.s3.upload_part(**target, PartNumber=number, Body=content, ChecksumSHA256=own.sha256)
    return {"PartNumber": number, "ETag": answer["ETag"], "ChecksumSHA256": own.sha256}


def _pieces(path: Path, size: int) -> Iterator[tuple[int, bytes]]:
    """Number and bytes of each part; numbers begin with one."""
    with path.open("rb") as file:
        number = 0
        while content := file.read(size):
            number += 1
            yield number, content
