"""Quotas that a run needs, by the names that Service Quotas gives them.

Several count at once: machines of one type and kind of job, all machines of a kind, machines of one job, and the longest
run time. A new account often has zero g5 machines. The codes are those of a public inventory; the name decides, and a
code is asked only where the list has no such name, and believed only if the answer has that name.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from pipeline.definition import Definition
from pipeline.preflight.check import Check
from pipeline.preflight.jobs import Job, Kind, at_once

CODES = {
    "ml.g5.xlarge for training job usage": "L-B6D80D9C",
    "ml.g5.xlarge for spot training job usage": "L-DE07CBDF",
    "ml.g5.xlarge for processing job usage": "L-BE792A7A",
    "ml.g5.2xlarge for spot training job usage": "L-CAEE7DB7",
    "ml.g5.12xlarge for training job usage": "L-C6383286",
    "ml.m5.xlarge for processing job usage": "L-0307F515",
    "ml.m5.xlarge for training job usage": "L-CCE2AFA6",
    "Number of instances across all training jobs": "L-00C91CB5",
    "Number of instances across all spot training jobs": "L-93958082",
    "Number of instances across all processing jobs": "L-F311B08F",
    "Maximum number of instances per training job": "L-622CFD70",
    "Longest run time for a training job": "L-33A961FD",
    "Longest run time for a processing job": "L-EA47BDD3",
}
PER_JOB: dict[Kind, str] = {
    "training": "Maximum number of instances per training job",
    "processing": "Maximum number of instances per processing job",
}
LONGEST: dict[Kind, str] = {
    "training": "Longest run time for a training job",
    "processing": "Longest run time for a processing job",
}
Unit = Literal["instances", "seconds"]


@dataclass(frozen=True)
class Need:
    """What a run needs of one quota. `why` names the steps."""

    quota: str
    amount: int
    unit: Unit
    why: str

    @property
    def code(self) -> str:
        """The quota's code where it is known, else empty."""
        return CODES.get(self.quota, "")


def needed_quotas(jobs: list[Job], definition: Definition) -> list[Need]:
    """Every quota that the jobs count against, types first. Jobs that may run at the same time are added up."""
    of_type: dict[str, list[Job]] = {}
    of_kind: dict[str, list[Job]] = {}
    for job in jobs:
        spot = "spot " if job.spot else ""
        of_type.setdefault(f"{job.instance_type} for {spot}{job.kind} job usage", []).append(job)
        of_kind.setdefault(f"Number of instances across all {spot}{job.kind} jobs", []).append(job)
    together = [
        Need(quota, max(at_once(group, definition, job) for job in group), "instances", _steps(group))
        for quotas in (of_type, of_kind)
        for quota, group in quotas.items()
    ]
    kinds = {job.kind: [other for other in jobs if other.kind == job.kind] for job in jobs}
    return [
        *together,
        *(_most(PER_JOB[kind], group, "instances", lambda job: job.instances) for kind, group in kinds.items()),
        *(_most(LONGEST[kind], group, "seconds", lambda job: job.seconds or 0) for kind, group in kinds.items()),
    ]


def judge_quota(need: Need, applied: float | None, why_unknown: str = "") -> Check:
    """One row. `applied` is the account's value, None where it could not be found out."""
    name = f"quota: {need.quota}"
    wanted = f"{need.why}: needs {_amount(need.amount, need.unit)}"
    if applied is None:
        return Check(name, "unknown", f"{wanted}; {why_unknown}", "look it up in the Service Quotas console, SageMaker")
    detail = f"{wanted}, the account has {_amount(applied, need.unit)}"
    if applied < need.amount:
        return Check(name, "refused", detail, _request(need))
    return Check(name, "ok", detail)


def _most(quota: str, jobs: list[Job], unit: Unit, size: Callable[[Job], int]) -> Need:
    largest = max(jobs, key=size)
    return Need(quota, size(largest), unit, largest.step)


def _request(need: Need) -> str:
    if not need.code:
        return f"request an increase of {need.quota!r} in the Service Quotas console"
    return (
        "aws service-quotas request-service-quota-increase --service-code sagemaker"
        f" --quota-code {need.code} --desired-value {need.amount}"
    )


def _amount(value: float, unit: Unit) -> str:
    return f"{value / 3600:,.4g} h" if unit == "seconds" else f"{value:,.4g}"


def _steps(jobs: list[Job]) -> str:
    return ", ".join(job.step for job in jobs)
