"""The graph: every step once, in an order that ends, with two branches that do something."""

from __future__ import annotations

import copy
from typing import Any

import pytest


def test_a_name_used_twice(example: Any) -> None:
    example.raw["Steps"].append(copy.deepcopy(example.steps["Evaluate"]))
    assert example.found() == {("duplicate-step", "Steps.Evaluate")}


def test_a_step_in_both_branches(example: Any) -> None:
    branches = example.arguments("Check")
    branches["ElseSteps"].append(copy.deepcopy(branches["IfSteps"][0]))
    assert example.found() == {("duplicate-step", "Steps.Register")}


def test_a_type_nothing_here_reads(example: Any) -> None:
    example.steps["Reject"]["Type"] = "Lambda"
    assert example.found() == {("step-type", "Steps.Reject")}


def test_a_condition_inside_a_condition(example: Any) -> None:
    inner = copy.deepcopy(example.steps["Check"])
    inner["Name"] = "Inner"
    inner["Arguments"]["IfSteps"][0]["Name"] = "InnerRegister"
    inner["Arguments"]["ElseSteps"][0]["Name"] = "InnerReject"
    example.arguments("Check")["IfSteps"].append(inner)
    assert example.found() == {("nested-condition", "Steps.Inner")}


@pytest.mark.parametrize("branch", ["IfSteps", "ElseSteps"])
def test_an_empty_branch(example: Any, branch: str) -> None:
    example.arguments("Check")[branch] = []
    assert example.found() == {("empty-branch", f"Steps.Check.Arguments.{branch}")}


def test_a_dependency_that_does_not_exist(example: Any) -> None:
    example.steps["Train"]["DependsOn"] = ["Canari"]
    assert example.found() == {("missing-step", "Steps.Train.DependsOn")}


def test_a_reference_to_a_step_that_does_not_exist(example: Any) -> None:
    example.arguments("Train")["CheckpointConfig"]["S3Uri"] = {"Get": "Steps.Gone.ModelArtifacts.S3ModelArtifacts"}
    assert example.found() == {("missing-step", "Steps.Train.Arguments.CheckpointConfig.S3Uri")}


def test_a_cycle_is_named_step_by_step(example: Any) -> None:
    example.steps["Prepare"]["DependsOn"] = ["Train"]
    [finding] = example.findings()
    assert (finding.rule, finding.where) == ("cycle", "Steps.Prepare")
    assert finding.problem == "waits for itself: Prepare waits for Train waits for Prepare"


def test_a_step_that_waits_for_itself(example: Any) -> None:
    example.steps["Canary"]["DependsOn"] = ["Canary"]
    assert example.found() == {("cycle", "Steps.Canary")}


def test_a_cycle_with_a_blind_alley_is_still_found(example: Any) -> None:
    example.steps["Prepare"]["DependsOn"] = ["Evaluate"]
    example.steps["Canary"]["DependsOn"] = ["Train"]
    assert ("cycle", "Steps.Prepare") in example.found()


def test_waiting_for_a_step_of_a_branch_that_may_not_run(example: Any) -> None:
    example.raw["Steps"].append(
        {**copy.deepcopy(example.steps["Evaluate"]), "Name": "After", "DependsOn": ["Register"]}
    )
    assert example.found() == {("other-branch", "Steps.After.DependsOn")}


def test_waiting_for_a_step_of_the_other_branch(example: Any) -> None:
    example.steps["Reject"]["DependsOn"] = ["Register"]
    assert example.found() == {("other-branch", "Steps.Reject.DependsOn")}


def test_a_condition_without_conditions(example: Any) -> None:
    example.arguments("Check")["Conditions"] = []
    assert ("bad-condition", "Steps.Check.Arguments.Conditions") in example.found()


@pytest.mark.parametrize(
    ("condition", "place"),
    [
        ({"Type": "Near", "LeftValue": 1, "RightValue": 2}, ""),
        ({"Type": "And", "Conditions": []}, ""),
        ({"Type": "Equals", "LeftValue": 1}, ""),
        ({"Type": "In", "QueryValue": "a", "Values": []}, ""),
        ({"Type": "LessThan", "LeftValue": "1", "RightValue": 2}, ".LeftValue"),
        ({"Type": "LessThan", "LeftValue": 1, "RightValue": {"Get": "Parameters.CorpusUri"}}, ".RightValue"),
        ({"Type": "Not", "Expression": {"Type": "Near"}}, ".Expression"),
        ({"Type": "Or", "Conditions": [{"Type": "Equals", "LeftValue": 1, "RightValue": 1}, {}]}, ".Conditions[1]"),
    ],
)
def test_a_condition_the_service_cannot_judge(example: Any, condition: dict[str, Any], place: str) -> None:
    example.arguments("Check")["Conditions"][1] = condition
    assert example.found() == {("bad-condition", f"Steps.Check.Arguments.Conditions[1]{place}")}


@pytest.mark.parametrize(
    "condition",
    [
        {"Type": "In", "QueryValue": {"Get": "Parameters.CorpusUri"}, "Values": ["a", "b"]},
        {"Type": "Not", "Expression": {"Type": "Equals", "LeftValue": "a", "RightValue": "b"}},
        {"Type": "GreaterThan", "LeftValue": {"Get": "Parameters.Seed"}, "RightValue": 1.5},
    ],
)
def test_a_condition_the_service_can_judge(example: Any, condition: dict[str, Any]) -> None:
    example.arguments("Check")["Conditions"][1] = condition
    assert example.found() == set()
