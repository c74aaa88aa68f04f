"""What a run reads: the corpus and the base model whole, as their manifests say, and no mounted address empty.

A champion's folder says who is champion or that nobody is: EvaluateModel refuses any other, after the training was paid for.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from pipeline.aws.manifests import manifest_at
from pipeline.aws.publish import SUM
from pipeline.aws.session import Account, Denied, Missing, explained
from pipeline.errors import BadInput
from pipeline.local.store import Address, parse_uri
from pipeline.preflight.check import Check
from steps.contract import (
    ADAPTER_CONFIG,
    ADAPTER_FOLDER,
    ADAPTER_WEIGHTS,
    CHAMPION,
    MANIFEST,
    NONE_OBJECT,
    BaseModelManifest,
    CorpusManifest,
)

PREFIXES = {"CorpusUri": "corpora", "BaseModelUri": "base-models"}
CHAMPIONS = "champion/"
APPROVED = {f"{ADAPTER_FOLDER}/{ADAPTER_WEIGHTS}", f"{ADAPTER_FOLDER}/{ADAPTER_CONFIG}", CHAMPION}
Manifest = TypeVar("Manifest", CorpusManifest, BaseModelManifest)


@dataclass
class Inputs:
    """The manifests that were read; None where there is none, or none that can be read."""

    corpus: CorpusManifest | None = None
    model: BaseModelManifest | None = None


def check_inputs(account: Account, bucket: str, parameters: Mapping[str, str], inputs: Inputs) -> Iterator[Check]:
    """A row for the corpus and one for the base model; what could be read is left in `inputs`."""
    corpus, check = _published(account, bucket, "CorpusUri", parameters, CorpusManifest)
    inputs.corpus = corpus
    yield check
    model, check = _published(account, bucket, "BaseModelUri", parameters, BaseModelManifest)
    inputs.model = model
    yield check


def check_mounts(account: Account, mounts: Mapping[str, list[str]]) -> Iterator[Check]:
    """A row for addresses below which nothing lies, which the service refuses when the job starts; one for each champion."""
    empty, champions = [], []
    for address, steps in mounts.items():
        place = parse_uri(address)
        with explained(f"looking below {address}"):
            answer = account.s3.list_objects_v2(Bucket=place.bucket, Prefix=place.key)
        if not answer.get("KeyCount"):
            empty.append(f"{address} ({', '.join(steps)})")
        elif place.key.startswith(CHAMPIONS):
            champions.append(_champion(address, {row["Key"].removeprefix(place.key) for row in answer["Contents"]}))
    if empty:
        yield Check("mounted addresses", "refused", f"nothing lies at {'; '.join(empty)}", "asusu publish")
    else:
        yield Check("mounted addresses", "ok", f"{len(mounts)}, none empty")
    yield from champions


def _champion(address: str, names: set[str]) -> Check:
    """What the folder's names say; the champion's sums are EvaluateModel's to look at."""
    adapter = sorted(name for name in names if name.startswith(f"{ADAPTER_FOLDER}/"))
    if NONE_OBJECT in names and not adapter:
        return Check("champion", "ok", "nobody yet")
    fix = "approve or reject a version again: the folder is then made to agree with the registry"
    if NONE_OBJECT in names:
        return Check("champion", "refused", f"{address} holds {NONE_OBJECT} beside {', '.join(adapter[:2])}", fix)
    if missing := sorted(APPROVED - names):
        return Check("champion", "refused", f"{address} lacks {', '.join(missing)}", fix)
    return Check("champion", "ok", "whole")


def _published(
    account: Account, bucket: str, name: str, parameters: Mapping[str, str], kind: type[Manifest]
) -> tuple[Manifest | None, Check]:
    what = "corpus" if name == "CorpusUri" else "base model"
    fix = "asusu publish"
    if name not in parameters:
        return None, Check(what, "unknown", f"{name} is not given", f"{fix}, then --param {name}=...")
    uri = parameters[name].rstrip("/")
    prefix = f"s3://{bucket}/{PREFIXES[name]}/"
    if not uri.startswith(prefix):
        return None, Check(
            what, "refused", f"{name}={uri} is not below {prefix}, and the run's own Preflight refuses it", fix
        )
    try:
        manifest = manifest_at(account, uri, kind)
    except BadInput as error:
        return None, Check(what, "refused", error.message, error.hint)
    problems, strangers, unread = _problems(account, parse_uri(uri), manifest)
    if problems or strangers:
        told = problems + [f"{path} is there, and in no manifest" for path in strangers]
        shown = "; ".join(told[:5]) + (f"; and {len(told) - 5} more" if len(told) > 5 else "")
        steps = [f"{fix} again: it sends what is missing"] if problems else []
        if strangers:
            steps.append(" && ".join(f"aws s3 rm {shlex.quote(f'{uri}/{path}')}" for path in strangers[:5]))
        return manifest, Check(what, "refused", f"{uri}: {shown}", ", then ".join(steps))
    size = sum(entry.bytes for entry in manifest.files)
    said = f"{manifest.name}: {len(manifest.files)} files, {size:,} bytes, as published"
    if unread:
        said += f"; the sums of {unread} could not be looked at, only their sizes"
        return manifest, Check(what, "warning", said, f"allow s3:GetObject below {uri}, or {fix} again")
    return manifest, Check(what, "ok", said)


def _problems(
    account: Account, place: Address, manifest: CorpusManifest | BaseModelManifest
) -> tuple[list[str], list[str], int]:
    """What is wrong, each a phrase; names in no manifest; and how many files say no sum, or may not be asked for it."""
    problems, unread = [], 0
    if place.key.rsplit("/", 1)[-1] != manifest.fingerprint:
        problems.append(f"its manifest is that of {manifest.fingerprint}")
    with explained(f"listing {place.key}"):
        pages = account.s3.get_paginator("list_objects_v2").paginate(Bucket=place.bucket, Prefix=f"{place.key}/")
        there = {
            row["Key"].removeprefix(f"{place.key}/"): row["Size"] for page in pages for row in page.get("Contents", [])
        }
    for entry in manifest.files:
        if entry.path not in there:
            problems.append(f"{entry.path} is missing")
        elif there[entry.path] != entry.bytes:
            problems.append(f"{entry.path} has {there[entry.path]} bytes instead of {entry.bytes}")
        elif not (stated := _stated_sum(account, place, entry.path)):
            unread += 1
        elif stated != entry.sha256:
            problems.append(f"{entry.path} was published with another sum")
    strangers = sorted(set(there) - {entry.path for entry in manifest.files} - {MANIFEST})
    return problems, strangers, unread


def _stated_sum(account: Account, place: Address, path: str) -> str:
    try:
        with explained(f"looking at {path}"):
            head = account.s3.head_object(Bucket=place.bucket, Key=f"{place.key}/{path}")
    except (Denied, Missing):
        return ""
    return str(head.get("Metadata", {}).get(SUM, ""))
