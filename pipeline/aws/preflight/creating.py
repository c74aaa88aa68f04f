"""Jobs as the pipeline's role would create them: with their machine, time limit and network, which its policy bounds.

A limit that was raised in the environment and not in the account shows nowhere else until the job is created, and then the
canaries have been paid for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.aws.preflight.roles import simulate
from pipeline.aws.session import Account
from pipeline.preflight.check import Check
from pipeline.preflight.jobs import Job, Kind
from pipeline.settings import Settings

ACTIONS: dict[Kind, str] = {"training": "sagemaker:CreateTrainingJob", "processing": "sagemaker:CreateProcessingJob"}
HOUR = 3600


def check_creating(account: Account, chosen: Settings, jobs: list[Job]) -> Iterator[Check]:
    """A row for each kind of job: whether IAM, asked for each of its jobs, lets the pipeline's role create them all."""
    for kind in dict.fromkeys(job.kind for job in jobs):
        yield _of_kind(account, chosen, kind, [job for job in jobs if job.kind == kind])


def _of_kind(account: Account, chosen: Settings, kind: Kind, jobs: list[Job]) -> Check:
    name, role = f"creating {kind} jobs", chosen.roles.pipeline
    decisions: dict[tuple[Any, ...], str] = {}  # jobs that are alike to the policy are asked for once
    said: dict[str, list[str]] = {}
    for job in jobs:
        alike = (job.instance_type, job.seconds, job.isolated)
        if alike not in decisions:
            answer = simulate(account, role, [ACTIONS[kind]], _arn(chosen, job), _context(job))
            decisions[alike] = answer.get(ACTIONS[kind], "missing")
        said.setdefault(decisions[alike], []).append(_described(job))
    denied = [f"{row}: {decision}" for decision, rows in said.items() if decision.endswith("Deny") for row in rows]
    if denied:
        fix = "make infra, which allows the environment's max_runtime_hours; infra/job-roles.yaml lists the machines"
        return Check(name, "refused", f"{role} may not create {'; '.join(denied)}", fix)
    if "missing" in said:
        detail = f"{'; '.join(said['missing'])}: IAM's simulation lacks a value of a condition"
        return Check(name, "unknown", detail)
    return Check(name, "ok", f"{role} may create {', '.join(job.step for job in jobs)}")


def _arn(chosen: Settings, job: Job) -> str:
    """The ARN of such a job: `pipelines-<execution>-<step>-<random>`, as the service names them."""
    _, partition, _, _, number, _ = chosen.roles.pipeline.split(":", 5)
    return f"arn:{partition}:sagemaker:{chosen.region}:{number}:{job.kind}-job/pipelines-abcdef123456-{job.step}-x"


def _context(job: Job) -> list[dict[str, Any]]:
    """What the request says to IAM; a job without a time limit says nothing of it."""
    entries = [
        _entry("InstanceTypes", "stringList", job.instance_type),
        _entry("NetworkIsolation", "boolean", str(job.isolated).lower()),
    ]
    if job.seconds is not None:
        entries.append(_entry("MaxRuntimeInSeconds", "numeric", str(job.seconds)))
    return entries


def _entry(key: str, kind: str, value: str) -> dict[str, Any]:
    return {"ContextKeyName": f"sagemaker:{key}", "ContextKeyType": kind, "ContextKeyValues": [value]}


def _described(job: Job) -> str:
    time = "without a time limit" if job.seconds is None else f"for {job.seconds / HOUR:,.4g} h"
    return f"{job.step} on {job.instance_type} {time}, {'without a network' if job.isolated else 'with a network'}"
