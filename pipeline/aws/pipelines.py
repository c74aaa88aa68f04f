"""The pipeline in an account: what is deployed, and whether that is what was deployed last."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

from pipeline.aws.records import Record, Records
from pipeline.aws.session import Account, Missing, explained
from pipeline.definition import Definition, digest, read
from pipeline.errors import BadInput
from pipeline.plan.leaves import differences

NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,255}")  # botocore's shape PipelineName


@dataclass(frozen=True)
class Deployed:
    """A pipeline as the account has it. `changed` is the time of its last change, ISO 8601 in UTC."""

    arn: str
    text: str
    role: str
    tags: Mapping[str, str]
    changed: str
    changed_by: str

    @property
    def sha256(self) -> str:
        """Digest of the definition."""
        return digest(self.text)


@dataclass(frozen=True)
class Drift:
    """What is deployed is not what was deployed last: why, and what to do where deploying would lose it."""

    reason: str
    remedy: str


@dataclass(frozen=True)
class Situation:
    """A pipeline before it is replaced. `last` is the record of what is deployed; `newest` the one that was begun last.

    `recorded` is the definition that `last` names, None where nobody kept it.
    """

    pipeline: Deployed | None
    last: Record | None
    newest: Record | None
    drift: Drift | None
    recorded: Definition | None = None


def check_name(name: str) -> None:
    """Raises BadInput for a name that the service would refuse."""
    if not NAME.fullmatch(name):
        raise BadInput(
            f"{name!r} is no name of a pipeline: 1 to 256 letters and digits, hyphens between them",
            hint="correct the recipe's name",
        )


def look(account: Account, records: Records) -> Situation:
    """What is deployed, and whether it is what was recorded. Changes nothing."""
    check_name(records.pipeline)
    pipeline = deployed_pipeline(account, records.pipeline)
    newest: Record | None = None
    for record in records.newest_first():
        newest = newest or record
        if record.state == "done" or _stands(record, pipeline):
            recorded = _recorded(records, record, pipeline)
            return Situation(pipeline, record, newest, _drift(records, record, pipeline, recorded), recorded)
    reason = "it was not deployed by `asusu upsert`: there is no record of it"
    return Situation(pipeline, None, newest, Drift(reason, _keep_or_lose(records)) if pipeline else None)


def strayed(records: Records, found: Mapping[str, Any]) -> str:
    """Why what DescribePipeline found is not what was deployed last, tags aside; empty where it is, or nothing is recorded.

    Raises AsusuError where the records cannot be read.
    """
    pipeline = _deployed(found, {})
    for record in records.newest_first():
        if record.state == "done" or _stands(record, pipeline):
            last = record.model_copy(update={"tags": {}})
            drift = _drift(records, last, pipeline, _recorded(records, last, pipeline))
            return drift.reason if drift else ""
    return ""


def _recorded(records: Records, last: Record, pipeline: Deployed | None) -> Definition | None:
    """The definition that was deployed last, None where it is gone."""
    if pipeline and pipeline.sha256 == last.definition:
        return readable(pipeline.text)
    try:
        return read(records.definition(last.definition))
    except Missing:
        return None


def _keep_or_lose(records: Records) -> str:
    return (
        f"keep it: take it over into the code, or deploy it as it is, with `asusu plan{records.options} --deployed > FILE`"
        f" and `asusu upsert{records.options} --definition FILE`; or lose it: --overwrite-edits"
    )


def _stands(record: Record, pipeline: Deployed | None) -> bool:
    """Whether an upsert that did not say "done" came to something all the same."""
    return pipeline is not None and (record.definition, record.role) == (pipeline.sha256, pipeline.role)


def deployed_pipeline(account: Account, name: str) -> Deployed | None:
    """The pipeline of that name, None where there is none."""
    try:
        with explained(f"looking up the pipeline {name}"):
            found = account.sagemaker.describe_pipeline(PipelineName=name)
    except Missing:
        return None
    with explained(f"reading the tags of {name}"):
        pages = account.sagemaker.get_paginator("list_tags").paginate(ResourceArn=found["PipelineArn"])
        tags = {row["Key"]: row["Value"] for page in pages for row in page["Tags"]}
    return _deployed(found, tags)


def _deployed(found: Mapping[str, Any], tags: Mapping[str, str]) -> Deployed:
    return Deployed(
        arn=found["PipelineArn"],
        text=found["PipelineDefinition"],
        role=found["RoleArn"],
        tags=tags,
        changed=found["LastModifiedTime"].astimezone(UTC).isoformat(),
        changed_by=_who(found.get("LastModifiedBy") or {}),
    )


def readable(text: str) -> Definition | None:
    """What is deployed, None where somebody saved what is no definition; that can still be replaced."""
    try:
        return read(text)
    except BadInput:
        return None


def _who(context: Mapping[str, Any]) -> str:
    identity = context.get("IamIdentity") or {}
    return str(identity.get("Arn") or context.get("UserProfileName") or "somebody")


def _drift(records: Records, last: Record, pipeline: Deployed | None, recorded: Definition | None) -> Drift | None:
    """What differs from the last record, None where nothing does."""
    said = f"upsert {last.number} by {last.by}"
    if pipeline is None:
        return Drift(f"it was deleted since {said}", "leave it so, or create it again: --overwrite-edits")
    found: list[str] = []
    standing = readable(pipeline.text)
    if pipeline.sha256 != last.definition:
        if recorded is None:
            found.append("its definition is another one, and the recorded one is gone")
        elif standing is None:
            found.append("its definition was edited, and is no definition any more")
        elif differences(recorded.raw, standing.raw):
            found.append("its definition was edited")
    if pipeline.role != last.role:
        found.append(f"its role is {pipeline.role} and was {last.role}")
    changed = [key for key, value in last.tags.items() if pipeline.tags.get(key) != value]
    if changed and last.state == "done":
        found.append(f"tags were changed: {', '.join(changed)}")
    if not found:
        return None
    when = f"{pipeline.changed[:16].replace('T', ' ')} UTC"
    remedy = _keep_or_lose(records) if standing else "replace it: --overwrite-edits"
    return Drift(f"{'; '.join(found)}, by {pipeline.changed_by} at {when}, after {said}", remedy)
