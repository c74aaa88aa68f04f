"""The jobs a definition would start, with the run-time parameters filled in: machines, times, roles, images, addresses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from pipeline.definition import DeclaredParameter, Definition, Step
from pipeline.lint.order import needed_steps
from pipeline.lint.values import resolve
from pipeline.lint.walk import dig
from pipeline.local.parameters import cast

Kind = Literal["training", "processing"]
KINDS: dict[str, Kind] = {"Training": "training", "Processing": "processing"}


@dataclass(frozen=True)
class Job:
    """One job. `seconds` and `wait_seconds` are MaxRuntimeInSeconds and MaxWaitTimeInSeconds, None where not given.

    `isolated` is EnableNetworkIsolation, which is off where nobody asks for it.
    """

    step: str
    kind: Kind
    instance_type: str
    instances: int
    spot: bool
    seconds: int | None
    wait_seconds: int | None
    volume_gb: int | None
    volume_key: str
    image: str
    role: str
    checkpoints: str
    isolated: bool


def jobs_of(definition: Definition, parameters: Mapping[str, str]) -> list[Job]:
    """Every training and processing job, in the definition's order. Values that are no good count as not given."""
    assumed = with_values(definition, parameters)
    return [_job(step, KINDS[step.type], assumed) for step in definition.steps if step.type in KINDS]


def with_values(definition: Definition, parameters: Mapping[str, str]) -> Definition:
    """The definition as an execution with these parameters sees it: given values in place of the defaults."""
    return replace(definition, parameters=tuple(_given(row, parameters) for row in definition.parameters))


def at_once(jobs: list[Job], definition: Definition, job: Job) -> int:
    """Machines that run when this job does: its own, and those of jobs that need not wait for it, nor it for them."""
    before = needed_steps(definition)
    beside = [
        other
        for other in jobs
        if other.step != job.step and other.step not in before[job.step] and job.step not in before[other.step]
    ]
    return job.instances + sum(other.instances for other in beside)


def _given(row: DeclaredParameter, parameters: Mapping[str, str]) -> DeclaredParameter:
    if row.name not in parameters:
        return row
    try:
        return replace(row, default=cast(row, parameters[row.name]))
    except ValueError:
        return row  # the check of the parameters says so


def _job(step: Step, kind: Kind, definition: Definition) -> Job:
    arguments: Any = resolve(step.arguments, definition)
    cluster = dig(arguments, "ResourceConfig") or dig(arguments, "ProcessingResources", "ClusterConfig")
    image = dig(arguments, "AlgorithmSpecification", "TrainingImage") or dig(arguments, "AppSpecification", "ImageUri")
    stopping = dig(arguments, "StoppingCondition")
    return Job(
        step=step.name,
        kind=kind,
        instance_type=str(dig(cluster, "InstanceType") or ""),
        instances=_whole(dig(cluster, "InstanceCount")) or 1,
        spot=dig(arguments, "EnableManagedSpotTraining") is True,
        seconds=_whole(dig(stopping, "MaxRuntimeInSeconds")),
        wait_seconds=_whole(dig(stopping, "MaxWaitTimeInSeconds")),
        volume_gb=_whole(dig(cluster, "VolumeSizeInGB")),
        volume_key=str(dig(cluster, "VolumeKmsKeyId") or ""),
        image=str(image or ""),
        role=str(dig(arguments, "RoleArn") or ""),
        checkpoints=str(dig(arguments, "CheckpointConfig", "S3Uri") or ""),
        isolated=dig(dig(arguments, "NetworkConfig") or arguments, "EnableNetworkIsolation") is True,
    )


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
