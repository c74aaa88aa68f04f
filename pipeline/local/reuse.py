"""Whether a step has to run at all: its cache key, what an entry gives back, and what a finished step leaves in one.

On a hit the outputs are used at their old addresses, as at the service. The checkpoint folder is the exception: no
reference leads to it, so its objects are linked below this execution's own prefix, where the job would have left them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.local.cache import REUSABLE, Cache, Entry, content_sum, step_key
from pipeline.local.record import StepRecord
from pipeline.local.registry import Registry
from pipeline.local.store import Store


@dataclass(frozen=True)
class Reuse:
    """The cache seen from the steps of one execution.

    `version` says what stands for the programs of an image, and of a step without one. `force` names the steps that
    must run.
    """

    cache: Cache
    store: Store
    registry: Registry
    version: Callable[[str], str]
    execution_ids: tuple[str, ...]
    force: frozenset[str]

    def restored(self, request: Mapping[str, Any]) -> str:
        """Sum over the checkpoints that lie ready for a step; empty for none."""
        uri = checkpoint_uri(request)
        return content_sum(self.cache.sums.below(uri)) if uri else ""

    def key(self, kind: str, request: Mapping[str, Any], restored: str) -> str:
        """The step's cache key. `restored` is of the step's first attempt: what it wrote itself is no input."""
        return step_key(
            kind,
            request,
            sums=self.cache.sums,
            restored=restored,
            code_version=self.version(image_of(kind, request)),
            execution_ids=self.execution_ids,
        )

    def find(self, step: str, kind: str, key: str, request: Mapping[str, Any]) -> Entry | None:
        """The entry to use instead of running the step, its checkpoints already in place; None where it must run."""
        if step in self.force or kind not in REUSABLE:
            return None
        entry = self.cache.find(key)
        if entry and kind == "RegisterModel" and self.registry.package(entry.describe["ModelPackageArn"]) is None:
            return None
        uri = checkpoint_uri(request)
        if entry and uri != entry.checkpoint_uri:
            for source in entry.checkpoints:
                self.store.link(source, uri + source.removeprefix(entry.checkpoint_uri))
        return entry

    def keep(self, key: str, record: StepRecord, request: Mapping[str, Any], execution_id: str) -> None:
        """Remember a step that succeeded, with the sums of everything it left in the store."""
        entry = Entry(
            step=record.name,
            execution_id=execution_id,
            job_name=record.job_name,
            log_folder=str(record.log_folder or ""),
            describe=record.describe,
            outputs=self._sums(output_uris(record.type, record.describe)),
            checkpoint_uri=checkpoint_uri(request),
            checkpoints=self._sums([checkpoint_uri(request)] if checkpoint_uri(request) else []),
        )
        self.cache.keep(key, entry)

    def _sums(self, uris: list[str]) -> dict[str, str]:
        return {f"{uri}/{name}": sha256 for uri in uris for name, sha256 in self.cache.sums.below(f"{uri}/").items()}


def image_of(kind: str, request: Mapping[str, Any]) -> str:
    """The image that a step runs; empty for a step that runs none."""
    if kind == "Processing":
        return str(request["AppSpecification"]["ImageUri"])
    return str(request["AlgorithmSpecification"]["TrainingImage"]) if kind == "Training" else ""


def checkpoint_uri(request: Mapping[str, Any]) -> str:
    """The checkpoint prefix of a training request without a final slash, empty where it has none."""
    return str((request.get("CheckpointConfig") or {}).get("S3Uri", "")).rstrip("/")


def output_uris(kind: str, described: Mapping[str, Any]) -> list[str]:
    """The prefixes below which a finished step left its outputs."""
    if kind == "Processing":
        rows = (described.get("ProcessingOutputConfig") or {}).get("Outputs") or ()
        return [row["S3Output"]["S3Uri"].rstrip("/") for row in rows]
    if kind == "Training":
        return [f"{described['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{described['TrainingJobName']}/output"]
    return []
