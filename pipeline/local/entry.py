"""One entry of the registry in files, read and checked: people edit such files by hand, and every verb rests on them."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, NoReturn

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from pipeline.errors import BadInput

# Limits of botocore's CreateModelPackage shape.
GROUP_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
STATUSES = ("PendingManualApproval", "Approved", "Rejected")
_TIME = TypeAdapter(AwareDatetime)


def _moment(text: str) -> str:
    _TIME.validate_python(datetime.fromisoformat(text))
    return text


def _status(text: str) -> str:
    if text not in STATUSES:
        raise ValueError(f"it is not one of {', '.join(STATUSES)}")
    return text


Moment = Annotated[str, AfterValidator(_moment)]
Status = Annotated[str, AfterValidator(_status)]


class _Strict(BaseModel):
    """No text for a number, and nothing turned into text."""

    model_config = ConfigDict(strict=True)


class _Source(_Strict):
    S3Uri: str = ""
    ContentDigest: str | None = None


class _Statistics(_Strict):
    Statistics: _Source | None = None


class _Metrics(_Strict):
    ModelQuality: _Statistics | None = None
    ModelDataQuality: _Statistics | None = None


class _Identity(_Strict):
    Arn: str | None = None


class _Person(_Strict):
    UserProfileName: str | None = None
    IamIdentity: _Identity | None = None


class _Decided(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    verdict: Status
    reason: str
    who: str
    when: Moment


class _Entry(_Strict):
    """What the verbs read of an entry; an entry has more."""

    ModelPackageGroupName: str
    ModelPackageVersion: int = Field(ge=1)
    ModelPackageArn: str
    ModelApprovalStatus: Status
    CreationTime: Moment
    LastModifiedTime: Moment
    LastModifiedBy: _Person | None = None
    ApprovalDescription: str | None = None
    CustomerMetadataProperties: dict[str, str] | None = None
    ModelMetrics: _Metrics | None = None
    Decisions: list[_Decided] = Field(default_factory=list)


def read_entry(path: Path) -> dict[str, Any]:
    """The description in `<group>/<version>.json`. Raises BadInput for a file that is not the entry of its name."""
    try:
        package: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
        entry = _Entry.model_validate(package)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise _damaged(path, f"{place}: {first['msg']}" if place else first["msg"]) from error
    except (ValueError, RecursionError, OSError) as error:
        raise _damaged(path, str(error)) from error
    stated = f"{entry.ModelPackageGroupName}/{entry.ModelPackageVersion}"
    if stated != f"{path.parent.name}/{path.stem}" or not entry.ModelPackageArn.endswith(f":model-package/{stated}"):
        raise _damaged(path, f"it states {stated}, {entry.ModelPackageArn}")
    return package


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _damaged(path: Path, why: str) -> BadInput:
    return BadInput(f"{path} is not a model package: {why}", hint="restore or remove the file")
