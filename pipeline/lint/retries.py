"""Retry policies: known errors, on steps that may retry, with an end.

Sources: developer guide, "Retry Policy for Pipeline Steps"; the caps are MAX_ATTEMPTS_CAP and MAX_EXPIRE_AFTER_MIN of
the SDK's retry module.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.definition import Definition
from pipeline.lint.finding import Finding
from pipeline.lint.values import has_type
from pipeline.lint.walk import dig, rows

RETRYING = ("Processing", "Training", "RegisterModel")
ERRORS = (
    "Step.SERVICE_FAULT",
    "Step.THROTTLING",
    "SageMaker.JOB_INTERNAL_ERROR",
    "SageMaker.CAPACITY_ERROR",
    "SageMaker.RESOURCE_LIMIT",
)
MEMBERS: dict[str, tuple[str, float, float]] = {  # type, least, most
    "MaxAttempts": ("Integer", 1, 20),
    "ExpireAfterMin": ("Integer", 1, 14400),
    "IntervalSeconds": ("Integer", 0, float("inf")),
    "BackoffRate": ("Float", 0, float("inf")),
}


def check_retries(definition: Definition) -> Iterator[Finding]:
    """Every retry policy of every step."""
    for step in definition.steps:
        policies = step.raw.get("RetryPolicies")
        where = f"Steps.{step.name}.RetryPolicies"
        if policies and step.type not in RETRYING:
            problem = f"stand on a {step.type} step; only {', '.join(RETRYING)} steps retry"
            yield Finding("retry-policy", where, problem, "remove them")
        elif policies is not None and not isinstance(policies, list):
            yield Finding("retry-policy", where, "is not a list of policies", "give a list")
        for index, policy in enumerate(rows(step.raw, "RetryPolicies")):
            for problem in _problems(policy):
                yield Finding("retry-policy", f"{where}[{index}]", problem, "correct retries() in pipeline/stages")


def _problems(policy: Any) -> Iterator[str]:
    errors = rows(policy, "ExceptionType")
    unknown = [str(error) for error in errors if error not in ERRORS]
    if not errors or unknown:
        yield f"names {', '.join(unknown) or 'no error'}; the service knows {', '.join(ERRORS)}"
    if (dig(policy, "MaxAttempts") is None) == (dig(policy, "ExpireAfterMin") is None):
        yield "needs exactly one of MaxAttempts and ExpireAfterMin"
    for member, (kind, least, most) in MEMBERS.items():
        value = dig(policy, member)
        if value is not None and not (has_type(value, kind) and least <= value <= most):
            yield f"{member} is {value!r}; allowed is a number from {least:g} to {most:g}"
