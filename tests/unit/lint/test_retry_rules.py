"""Retry policies: only where the service retries, only errors it knows, and never for ever."""

from __future__ import annotations

from typing import Any

import pytest

GOOD = {"ExceptionType": ["SageMaker.CAPACITY_ERROR"], "IntervalSeconds": 300, "BackoffRate": 1.5, "MaxAttempts": 8}


def test_a_policy_with_an_end(example: Any) -> None:
    forever = {key: value for key, value in GOOD.items() if key != "MaxAttempts"}
    example.steps["Train"]["RetryPolicies"] = [GOOD, forever | {"ExpireAfterMin": 60}]
    assert example.found() == set()
    example.steps["Train"]["RetryPolicies"] = [GOOD, forever]
    assert example.found() == {("retry-policy", "Steps.Train.RetryPolicies[1]")}


@pytest.mark.parametrize(
    "change",
    [
        {"ExceptionType": ["SageMaker.OUT_OF_MEMORY"]},
        {"ExceptionType": []},
        {"ExpireAfterMin": 60},
        {"MaxAttempts": 21},
        {"MaxAttempts": 2.5},
        {"IntervalSeconds": -1},
        {"BackoffRate": "fast"},
    ],
)
def test_a_policy_the_service_refuses(example: Any, change: dict[str, Any]) -> None:
    example.steps["Train"]["RetryPolicies"] = [GOOD | change]
    assert example.found() == {("retry-policy", "Steps.Train.RetryPolicies[0]")}


def test_a_step_that_cannot_retry(example: Any) -> None:
    example.steps["Check"]["RetryPolicies"] = [GOOD]
    assert example.found() == {("retry-policy", "Steps.Check.RetryPolicies")}


def test_policies_are_a_list(example: Any) -> None:
    example.steps["Train"]["RetryPolicies"] = GOOD
    assert example.found() == {("retry-policy", "Steps.Train.RetryPolicies")}
