"""What was deployed when, by whom, from which code: one object an upsert, kept in the artifact bucket for good.

`pipelines/<name>/definitions/<sha256>.json` holds each definition once, `pipelines/<name>/records/<number>.json` one record
for each upsert or rollback. A number is taken by a conditional write, which S3 grants once: of two upserts at the same time
one is refused. A record is written before the pipeline is touched and settled after it.

The service keeps versions of a pipeline too, but neither who made them from which code nor what was accepted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from botocore.exceptions import ClientError
from pydantic import BaseModel, ConfigDict, ValidationError

from pipeline.aws.session import Account, Missing, explained
from pipeline.definition import STATED_SUM, digest
from pipeline.errors import AsusuError, BadInput

LEASE = timedelta(minutes=10)  # an upsert takes seconds; one that began longer ago than this has died
LOST = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")
DIGITS = 8


class Busy(AsusuError):
    """Somebody else deploys the same pipeline at this moment; nothing was changed."""


class Record(BaseModel):
    """One upsert or rollback. `definition` and `before` are digests; `before` is empty where nothing was deployed.

    A record that is only begun tells of an upsert that runs, or died: whether it came to something shows in what is deployed.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)  # a newer asusu may say more

    number: int
    state: Literal["begun", "done", "failed"]
    action: Literal["upsert", "rollback"]
    definition: str
    before: str = ""
    role: str
    tags: dict[str, str]
    code: str
    dirty: bool = False
    by: str
    at: datetime
    accepted: tuple[str, ...] = ()
    restores: int | None = None


@dataclass(frozen=True)
class Records:
    """Those of one pipeline. `options` is what a command needs to come here, such as ` --env production`."""

    account: Account
    bucket: str
    pipeline: str
    options: str = ""

    @property
    def again(self) -> str:
        """What to do where somebody else was faster."""
        return f"look at it with `asusu plan{self.options}`, then repeat the command"

    def newest_first(self) -> Iterator[Record]:
        """Every record, read one by one. Raises AsusuError for one that cannot be read."""
        prefix = f"pipelines/{self.pipeline}/records/"
        with self._bucket_there(), explained(f"listing s3://{self.bucket}/{prefix}"):
            pages = self.account.s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=prefix)
            keys = [row["Key"] for page in pages for row in page.get("Contents", [])]
        for key in sorted(keys, reverse=True):
            try:
                yield Record.model_validate_json(self._read(key))
            except ValidationError as error:
                raise AsusuError(f"s3://{self.bucket}/{key} is not a record of an upsert: {error}") from error

    def definition(self, sha256: str) -> str:
        """A kept definition. Raises Missing where it is gone, AsusuError where it is not what it was."""
        text = self._read(self.definition_key(sha256))
        if digest(text) != sha256:
            raise AsusuError(f"s3://{self.bucket}/{self.definition_key(sha256)} was changed since it was kept")
        return text

    def definition_key(self, sha256: str) -> str:
        """The key of a kept definition."""
        return f"pipelines/{self.pipeline}/definitions/{sha256}.json"

    def keep(self, text: str) -> str:
        """Keep a definition; its digest. One that is there already stays as it is.

        It is kept with its own sum set right, which its digest does not see: the service may fetch it from here.
        """
        sha256 = digest(text)
        text = STATED_SUM.sub(rf"\g<1>{sha256}", text)
        self._write(self.definition_key(sha256), text, "keeping the definition", {"IfNoneMatch": "*"})
        return sha256

    def begin(self, record: Record) -> str:
        """Take the record's number; what `settle` needs to know. Raises Busy where somebody else has taken it."""
        tag = self._write(self._key(record), record.model_dump_json(indent=2), "recording", {"IfNoneMatch": "*"})
        if tag is None:
            raise Busy(f"somebody else deploys {self.pipeline} at this moment; nothing was changed", hint=self.again)
        return tag

    def settle(self, record: Record, tag: str, state: Literal["done", "failed"]) -> Record:
        """Say how a begun upsert ended."""
        settled = record.model_copy(update={"state": state})
        text = settled.model_dump_json(indent=2)
        if self._write(self._key(record), text, "recording the end", {"IfMatch": tag}) is None:
            message = f"the record {record.number} of {self.pipeline} was changed by somebody else"
            raise AsusuError(message, hint=self.again)
        return settled

    def _key(self, record: Record) -> str:
        return f"pipelines/{self.pipeline}/records/{record.number:0{DIGITS}}.json"

    def _read(self, key: str) -> str:
        with explained(f"reading s3://{self.bucket}/{key}"):
            content: bytes = self.account.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise AsusuError(f"s3://{self.bucket}/{key} is not text") from error

    def _write(self, key: str, text: str, doing: str, condition: Mapping[str, str]) -> str | None:
        """Write an object if a condition holds: its entity tag, None where it does not hold."""
        with self._bucket_there(), explained(f"{doing} in s3://{self.bucket}/{key}"):
            return self._put(key, text, condition)

    @contextmanager
    def _bucket_there(self) -> Iterator[None]:
        """Says so where the bucket itself is missing."""
        try:
            yield
        except Missing as error:
            raise BadInput(
                f"there is no bucket {self.bucket} in {self.account.region}",
                hint="make infra, or correct bucket and region in the environment's file",
            ) from error

    def _put(self, key: str, text: str, condition: Mapping[str, str]) -> str | None:
        request: dict[str, Any] = {"Bucket": self.bucket, "Key": key, "Body": text.encode("utf-8"), **condition}
        try:
            return str(self.account.s3.put_object(**request, ContentType="application/json")["ETag"])
        except ClientError as error:
            if str(error.response.get("Error", {}).get("Code")) in LOST:
                return None
            raise


def running(record: Record | None, now: datetime | None = None) -> bool:
    """Whether a record may be of an upsert that is not over yet."""
    return record is not None and record.state == "begun" and (now or datetime.now(UTC)) - record.at < LEASE
