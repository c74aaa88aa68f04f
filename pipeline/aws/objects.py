"""Objects of S3 brought to this machine."""

from __future__ import annotations

import uuid
from pathlib import Path

from pipeline.aws.session import Account, Missing, explained
from pipeline.errors import AsusuError
from pipeline.local.store import PARTIAL, parse_uri

PIECE = 1024 * 1024


def fetch(account: Account, address: str, target: Path, most: int) -> Path:
    """Download an object to `target`, whole or not at all; what lay there goes where there is no object.

    Raises AsusuError for one of more than `most` bytes, where it may not be read, and where its bytes end too early.
    """
    place = parse_uri(address)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f"{PARTIAL}{uuid.uuid4().hex}")
    try:
        with explained(f"reading {address}"):
            answer = account.s3.get_object(Bucket=place.bucket, Key=place.key)
            if answer["ContentLength"] > most:
                raise AsusuError(f"{address} has {answer['ContentLength']:,} bytes, and {most:,} are the most expected")
            with temporary.open("wb") as file:
                for piece in answer["Body"].iter_chunks(PIECE):
                    file.write(piece)
            temporary.replace(target)
    except Missing:
        target.unlink(missing_ok=True)
    finally:
        temporary.unlink(missing_ok=True)
    return target
