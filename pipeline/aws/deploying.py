"""Deploying: a pipeline is created or replaced and recorded, if it still is what somebody agreed to replace."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from pipeline.aws.pipelines import Deployed, Situation, check_name, deployed_pipeline
from pipeline.aws.records import LEASE, Busy, Record, Records, running
from pipeline.aws.session import Account, explained
from pipeline.errors import AsusuError, BadInput

MOST_CHARACTERS = 1_048_576  # botocore's shape PipelineDefinition
MOST_INLINE = 100 * 1024  # bytes; a larger definition is fetched from S3 by the service, as the SDK has it do


@dataclass(frozen=True)
class Wanted:
    """What a pipeline is to be. Tags that others put on it stay."""

    text: str
    role: str
    tags: Mapping[str, str]


@dataclass(frozen=True)
class Deployment:
    """Why and by whom something is deployed, for the record."""

    action: Literal["upsert", "rollback"]
    code: str
    by: str
    dirty: bool = False
    accepted: tuple[str, ...] = ()
    restores: int | None = None


def check_size(text: str) -> None:
    """Raises BadInput for a definition that the service would refuse."""
    if len(text) > MOST_CHARACTERS:
        raise BadInput(
            f"the definition has {len(text):,} characters, and the service takes {MOST_CHARACTERS:,}",
            hint="make it smaller: long texts in settings, or fewer steps",
        )


def deploy(
    account: Account,
    records: Records,
    seen: Situation,
    wanted: Wanted,
    why: Deployment,
    started: datetime | None = None,
) -> Record:
    """Create or update the pipeline and record it; no execution is started.

    `seen` is what the person agreed to replace. Raises Busy where somebody else deploys at this moment, AsusuError where the
    pipeline has changed since it was seen; then nothing is changed. An upsert that fails later is recorded as failed.
    """
    check_name(records.pipeline)
    check_size(wanted.text)
    now = started or datetime.now(UTC)
    if running(seen.newest, now) and seen.newest:
        raise Busy(
            f"{seen.newest.by} has been deploying {records.pipeline} since {seen.newest.at:%H:%M} UTC and is not done",
            hint=f"wait; after {LEASE.seconds // 60} minutes it counts as dead",
        )
    record = Record(
        number=(seen.newest.number if seen.newest else 0) + 1,
        state="begun",
        action=why.action,
        definition=records.keep(wanted.text),
        before=records.keep(seen.pipeline.text) if seen.pipeline else "",  # also what somebody else made of it
        role=wanted.role,
        tags=dict(wanted.tags),
        code=why.code,
        dirty=why.dirty,
        by=why.by,
        at=now,
        accepted=why.accepted,
        restores=why.restores,
    )
    tag = records.begin(record)
    try:
        _refuse_another(account, records, seen)
        if datetime.now(UTC) - now > LEASE:
            raise Busy("this upsert took so long that others count it as dead; nothing was changed", hint=records.again)
        _replace(account, records, seen, wanted, record)
    except BaseException:
        with suppress(AsusuError):  # the first error is the one to tell
            records.settle(record, tag, "failed")
        raise
    return records.settle(record, tag, "done")


def _refuse_another(account: Account, records: Records, seen: Situation) -> None:
    """Raises AsusuError unless the pipeline is still what the person saw."""
    if deployed_pipeline(account, records.pipeline) != seen.pipeline:
        message = f"{records.pipeline} was changed by somebody else in the meantime; nothing was changed now"
        raise AsusuError(message, hint=records.again)


def _replace(account: Account, records: Records, seen: Situation, wanted: Wanted, record: Record) -> None:
    name = records.pipeline
    request: dict[str, Any] = {
        "PipelineName": name,
        "PipelineDescription": f"asusu {record.action} {record.number}, definition {record.definition[:12]}, code {record.code}",
        "RoleArn": wanted.role,
    }
    if len(wanted.text.encode("utf-8")) > MOST_INLINE:
        key = records.definition_key(record.definition)
        request["PipelineDefinitionS3Location"] = {"Bucket": records.bucket, "ObjectKey": key}
    else:
        request["PipelineDefinition"] = wanted.text
    if seen.pipeline is None:
        token = hashlib.sha256(f"{name} {record.number} {record.definition}".encode()).hexdigest()
        tags = [{"Key": key, "Value": value} for key, value in wanted.tags.items()]
        with explained(f"creating the pipeline {name}"):
            account.sagemaker.create_pipeline(**request, ClientRequestToken=token, Tags=tags)
        return
    with explained(f"updating the pipeline {name}"):
        account.sagemaker.update_pipeline(**request)
    _tag(account, seen.pipeline, wanted.tags, seen.last.tags if seen.last else {})


def _tag(account: Account, pipeline: Deployed, wanted: Mapping[str, str], ours: Mapping[str, str]) -> None:
    """Set what differs, and take away what the last upsert set and this one does not want."""
    fresh = [{"Key": key, "Value": value} for key, value in wanted.items() if pipeline.tags.get(key) != value]
    gone = [key for key in ours if key not in wanted and key in pipeline.tags]
    with explained(f"tagging {pipeline.arn}"):
        if fresh:
            account.sagemaker.add_tags(ResourceArn=pipeline.arn, Tags=fresh)
        if gone:
            account.sagemaker.delete_tags(ResourceArn=pipeline.arn, TagKeys=gone)


def previous(records: Records, last: Record, number: int | None = None) -> Record:
    """The record that a rollback returns to: the one asked for, else the newest done one before it of another definition.

    The one before a rollback is the one before what it restored, so that rolling back twice goes two steps back. Raises
    BadInput where there is none.
    """
    listing = f"asusu rollback{records.options} --list"
    done = [record for record in records.newest_first() if record.state == "done" or record == last]
    if number is not None:
        for record in done:
            if record.number == number:
                return record
        raise BadInput(f"{records.pipeline} has no upsert {number} that was done", hint=listing)
    by_number = {record.number: record for record in done}
    start = last
    while start.restores is not None and start.restores in by_number and start.restores < start.number:
        start = by_number[start.restores]
    for record in done:
        if record.number < start.number and record.definition != last.definition:
            return record
    raise BadInput(f"{records.pipeline} has no earlier definition to return to", hint=listing)
