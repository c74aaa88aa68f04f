"""Objects of S3 brought to this machine."""

from __future__ import annotations

from pathlib import Path

from pipeline.aws.session import Account, Missing, explained
from pipeline.errors import AsusuError
from pipeline.local.store import parse_uri

PIECE = 1024 * 1024


def fetch(account: Account, address: str, target: Path, most: int) -> Path:
    """Download an object to `target`; nothing is written where there is none.

    Raises AsusuError for one of more than `most` bytes, and where it may not be read.
    """
    place = parse_uri(address)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with explained(f"reading {address}"):
            answer = account.s3.get_object(Bucket=place.bucket, Key=place.key)
            if answer["ContentLength"] > most:
                raise AsusuError(f"{address} has {answer['ContentLength']:,} bytes, and {most:,} are the most expected")
            with target.open("wb") as file:
                for piece in answer["Body"].iter_chunks(PIECE):
                    file.write(piece)
    except Missing:
        target.unlink(missing_ok=True)
    return target
