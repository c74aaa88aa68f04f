"""What really lies in S3 of an execution's checkpoints."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from pipeline.aws.session import Account, Missing, explained
from pipeline.definition import read
from pipeline.errors import BadInput
from pipeline.local.store import parse_uri
from pipeline.runs.checkpoints import Checkpoint, Stored, addresses, checkpoints


def checkpoints_of(account: Account, definition_text: str, execution_id: str, pipeline: str) -> list[Checkpoint]:
    """Every checkpoint of an execution, canaries first, as its own definition places them.

    Raises BadInput where a bucket does not exist, AsusuError where it may not be read.
    """
    found: list[Checkpoint] = []
    for address, steps in addresses(read(definition_text), execution_id, pipeline).items():
        found += checkpoints(address, steps, _listed(account, address), partial(_read, account, address))
    return found


def _listed(account: Account, address: str) -> Iterator[Stored]:
    """The objects below an address; none is no error."""
    place = parse_uri(f"{address}/")
    try:
        with explained(f"listing {address}"):
            pages = account.s3.get_paginator("list_objects_v2").paginate(Bucket=place.bucket, Prefix=place.key)
            for page in pages:
                for row in page.get("Contents", ()):
                    yield Stored(row["Key"][len(place.key) :], row["Size"], row["LastModified"].timestamp())
    except Missing as error:
        raise BadInput(f"there is no bucket {place.bucket}", hint="make infra creates it") from error


def _read(account: Account, address: str, key: str) -> bytes:
    place = parse_uri(f"{address}/{key}")
    with explained(f"reading {address}/{key}"):
        body: bytes = account.s3.get_object(Bucket=place.bucket, Key=place.key)["Body"].read()
    return body
