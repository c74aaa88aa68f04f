from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.definition import read
from pipeline.errors import BadInput
from pipeline.local.checks import check_definition
from tests.unit.local.pipelines import (
    at_most,
    condition,
    declared,
    definition,
    fail,
    join,
    json_get,
    parameter,
    processing,
    register,
    training,
)

NOWHERE = Path("job.py")
MODEL = {"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}


def refused(text: str) -> str:
    with pytest.raises(BadInput) as error:
        check_definition(read(text))
    return str(error.value)


def environment(value: Any) -> dict[str, Any]:
    return {"Environment": {"NAME": value}}


def test_a_definition_of_every_supported_kind_passes() -> None:
    steps = [
        processing("Prepare", NOWHERE),
        training("Train", NOWHERE, {"data": join("s3://bucket/", parameter("Name"))}, DependsOn=["Prepare"]),
        condition("Gate", [at_most(json_get("Prepare", "loss"), 1.0)], [register("Register")], [fail("Reject", MODEL)]),
    ]
    check_definition(read(definition(*steps, parameters=[declared("Name", "String")])))


def test_an_unsupported_step_type_is_refused_by_name() -> None:
    message = refused(definition({"Name": "Tune", "Type": "Tuning", "Arguments": {}}))
    assert "step Tune has the type 'Tuning'" in message
    assert "Processing, Training, Condition, Fail, RegisterModel" in message


def test_an_unsupported_function_is_refused_with_its_place() -> None:
    step = processing("Prepare", NOWHERE, arguments=environment({"Std:Split": {"On": "/"}}))
    assert "step Prepare: Arguments.Environment.NAME uses the function Std:Split" in refused(definition(step))


@pytest.mark.parametrize(
    "call",
    [
        {"Std:Join": {"On": "/"}},
        {"Std:Join": ["a"]},
        {"Std:JsonGet": {"Path": "a"}},
        {"Std:JsonGet": {"S3Uri": "s3://b/k"}},
    ],
)
def test_a_function_that_lacks_a_field_is_refused(call: dict[str, Any]) -> None:
    assert "Environment.NAME: Std:J" in refused(definition(processing("Prepare", NOWHERE, arguments=environment(call))))


def test_a_condition_inside_a_condition_is_refused() -> None:
    inner = condition("Inner", [at_most(1, 2)], [fail("A", "a")], [])
    message = refused(definition(condition("Outer", [at_most(1, 2)], [inner], [])))
    assert "the Condition Inner stands inside the Condition Outer" in message


def test_a_step_in_both_branches_is_refused() -> None:
    both = fail("Stop", "message")
    message = refused(definition(condition("Gate", [at_most(1, 2)], [both], [both])))
    assert "the step Stop stands in the definition 2 times" in message


def test_a_cycle_is_refused_by_the_names_in_it() -> None:
    steps = [processing("A", NOWHERE, DependsOn=["B"]), processing("B", NOWHERE, DependsOn=["A"])]
    assert "wait for each other in a cycle: A, B" in refused(definition(*steps))


def test_a_dependency_on_a_step_that_does_not_exist_is_refused() -> None:
    assert "step A needs step 'B'" in refused(definition(processing("A", NOWHERE, DependsOn=["B"])))
    assert "needs step 'Train'" in refused(definition(processing("A", NOWHERE, arguments=environment(MODEL))))


def test_a_dependency_on_failure_is_refused() -> None:
    steps = [processing("A", NOWHERE), processing("B", NOWHERE, DependsOn=[{"Step": "A", "Trigger": "Failed"}])]
    assert "step B depends on A with the trigger 'Failed'" in refused(definition(*steps))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (parameter("Nam"), "refers to the parameter 'Nam'; declared: Name"),
        ({"Get": "Execution.Id"}, "refers to Execution.Id; known: PipelineExecutionId"),
        ({"Get": "Nonsense"}, "has the reference 'Nonsense', which cannot be read"),
        (json_get("A", "x", file="Other"), "reads the property file 'Other' of step A, which declares: Report"),
    ],
)
def test_a_dangling_reference_is_refused_with_its_place(value: Any, message: str) -> None:
    steps = [processing("A", NOWHERE), processing("B", NOWHERE, arguments=environment(value))]
    text = definition(*steps, parameters=[declared("Name", "String", "x")])
    assert f"step B: Arguments.Environment.NAME{'.' if 'Std' in str(value) else ' '}" in refused(text)
    assert message in refused(text)


def test_a_bare_number_in_a_string_slot_is_refused() -> None:
    step = training("T", NOWHERE, arguments={"HyperParameters": {"e": parameter("E")}})
    assert "HyperParameters.e must be text" in refused(definition(step, parameters=[declared("E", "Integer", 1)]))


def test_an_unknown_condition_type_is_refused() -> None:
    gate = condition("Gate", [{"Type": "Like", "LeftValue": 1, "RightValue": 1}], [fail("A", "a")], [])
    assert "step Gate: Conditions[0] has the unsupported condition type 'Like'" in refused(definition(gate))


def test_an_unknown_parameter_type_is_refused() -> None:
    assert "parameter L has the type 'List'" in refused(definition(parameters=[declared("L", "List")]))
