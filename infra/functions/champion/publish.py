"""Makes `champion/<group>/` in the bucket agree with the registry, whatever happened there and in which order."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from champion.bundle import (
    CONFIG,
    MAX_BYTES,
    PIECE,
    WEIGHTS,
    Package,
    Refused,
    artifact_of,
    champion_of,
    manifest_of,
    name_of,
    take_adapter,
)

ROUNDS = 5  # of writing and looking again; another event may write at the same time
UNREADABLE = ("NoSuchKey", "AccessDenied")  # the second for a missing object, too, to whoever may not list
MARK = "champion"  # in each object's metadata: which champion it belongs to


@dataclass(frozen=True)
class Office:
    """The registry and the bucket, as boto3 clients."""

    sagemaker: Any
    s3: Any
    bucket: str

    def versions(self, group: str) -> list[Package]:
        """The approved versions of a group, oldest first, as the registry describes them; times as ISO 8601 in UTC."""
        pages = self.sagemaker.get_paginator("list_model_packages").paginate(
            ModelPackageGroupName=group, ModelPackageType="Versioned", ModelApprovalStatus="Approved"
        )
        arns = [row["ModelPackageArn"] for page in pages for row in page["ModelPackageSummaryList"]]
        found = [self.sagemaker.describe_model_package(ModelPackageName=arn) for arn in arns]
        return sorted(map(_dated, found), key=lambda package: int(package["ModelPackageVersion"]))


def agree(office: Office, group: str) -> str | None:
    """Publish the group's champion and return its name, None where there is none. Nothing is written where all is well.

    The registry is always asked again, never the event: events come twice and out of order. It returns only after it has
    seen registry and folder agree, so of several at work the last one leaves them agreeing.
    Raises Refused where the approved version may not be published; the folder stays as it was.
    """
    for _ in range(ROUNDS):
        champion = champion_of(office.versions(group))
        if _in_place(office, group, champion):
            return name_of(champion) if champion else None
        _write(office, group, champion)
    raise Refused(
        f"the champion's folder of {group} changed {ROUNDS} times while it was written: is somebody else at it?"
    )


def _in_place(office: Office, group: str, champion: Package | None) -> bool:
    mark = _mark(champion)
    if _keys(office, group) != {_key(group, place) for place in _places(champion)}:
        return False
    heads = [office.s3.head_object(Bucket=office.bucket, Key=_key(group, place)) for place in _places(champion)]
    return all(champion is None or head["Metadata"].get(MARK) == mark for head in heads)


def _write(office: Office, group: str, champion: Package | None) -> None:
    """Weights first and the manifest after them: until its sum is there, a reader refuses the folder.

    Then what belonged to another champion goes. A reader also refuses a folder that says both, or neither.
    """
    extra = {"Metadata": {MARK: _mark(champion)}}
    if champion is not None:
        with tempfile.TemporaryDirectory() as scratch:
            archive = _fetch(office, champion, Path(scratch) / "model.tar.gz")
            files = take_adapter(champion, archive, Path(scratch))
            for place in (WEIGHTS, CONFIG):
                office.s3.upload_file(str(files[place]), office.bucket, _key(group, place), ExtraArgs=extra)
    place, content = manifest_of(champion)
    office.s3.put_object(Bucket=office.bucket, Key=_key(group, place), Body=content, **extra)
    for key in sorted(_keys(office, group) - {_key(group, place) for place in _places(champion)}):
        office.s3.delete_object(Bucket=office.bucket, Key=key)


def _fetch(office: Office, champion: Package, target: Path) -> Path:
    bucket, key = artifact_of(champion)
    if bucket != office.bucket:
        raise Refused(f"the model of {name_of(champion)} lies in {bucket}, not in the pipeline's bucket")
    try:
        answer = office.s3.get_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] not in UNREADABLE:
            raise
        raise Refused(
            f"the model of {name_of(champion)} cannot be read at s3://{bucket}/{key}: it is gone, or lies where"
            " asusu-champion may not read"
        ) from error
    if answer["ContentLength"] > MAX_BYTES:
        raise Refused(
            f"the model of {name_of(champion)} has {answer['ContentLength']:,} bytes; an adapter is far smaller"
        )
    with target.open("wb") as file:
        for piece in answer["Body"].iter_chunks(PIECE):
            file.write(piece)
    return target


def _places(champion: Package | None) -> list[str]:
    place, _ = manifest_of(champion)
    return [place] if champion is None else [WEIGHTS, CONFIG, place]


def _mark(champion: Package | None) -> str:
    return hashlib.sha256(manifest_of(champion)[1]).hexdigest()


def _key(group: str, place: str) -> str:
    return f"champion/{group}/{place}"


def _keys(office: Office, group: str) -> set[str]:
    pages = office.s3.get_paginator("list_objects_v2").paginate(Bucket=office.bucket, Prefix=_key(group, ""))
    return {row["Key"] for page in pages for row in page.get("Contents", [])}


def _dated(answer: dict[str, Any]) -> Package:
    """Times as text; a version that was never changed was last changed when it was made."""
    times = {key: value.astimezone(UTC).isoformat() for key, value in answer.items() if isinstance(value, datetime)}
    return {**answer, "LastModifiedTime": times.get("CreationTime", ""), **times}
