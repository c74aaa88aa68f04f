"""The manifests of what a run is started with, read from the bucket."""

from __future__ import annotations

from pydantic import ValidationError

from pipeline.aws.session import Account, Missing, explained
from pipeline.errors import BadInput
from pipeline.local.store import parse_uri
from steps.contract import MANIFEST, AnyReport

MOST_BYTES = 64 * 2**20  # a manifest of a million files; more is not one


def manifest_at(account: Account, address: str, kind: type[AnyReport]) -> AnyReport:
    """The manifest below a published folder's address.

    Raises BadInput where there is none or it is not one, AsusuError where it may not be read.
    """
    where = f"{address}/{MANIFEST}"
    place = parse_uri(where)
    try:
        with explained(f"reading {where}"):
            answer = account.s3.get_object(Bucket=place.bucket, Key=place.key)
            if answer["ContentLength"] > MOST_BYTES:
                raise BadInput(f"{where} has {answer['ContentLength']:,} bytes; a manifest is far smaller")
            text = answer["Body"].read()
    except Missing as error:
        raise BadInput(
            f"nothing is published at {address}: there is no {MANIFEST}",
            hint="asusu publish uploads a corpus or a base model, and prints the value to start with",
        ) from error
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        where_in = ".".join(map(str, first["loc"]))
        raise BadInput(
            f"{where} is not a manifest of this version: {where_in} {first['msg']}", hint="publish it again"
        ) from error
