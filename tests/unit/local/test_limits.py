from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.definition import Step, read
from pipeline.errors import BadInput
from pipeline.local.limits import check_references, check_strings
from tests.unit.local.pipelines import declared, join, parameter, processing, training

NOWHERE = Path("job.py")
DECLARED = [declared("Epochs", "Float", 1.0), declared("Name", "String", "x"), declared("Dry", "Boolean", True)]


def step_and_parameters(row: dict[str, Any]) -> tuple[Step, dict[str, Any]]:
    definition = read(json.dumps({"Parameters": DECLARED, "Steps": [row]}))
    return definition.steps[0], {item.name: item for item in definition.parameters}


@pytest.mark.parametrize(
    ("row", "place"),
    [
        (training("T", NOWHERE, arguments={"HyperParameters": {"e": parameter("Epochs")}}), "HyperParameters.e"),
        (training("T", NOWHERE, arguments={"Environment": {"E": parameter("Dry")}}), "Environment.E"),
        (processing("P", NOWHERE, arguments={"Environment": {"E": parameter("Epochs")}}), "Environment.E"),
        (
            processing(
                "P", NOWHERE, arguments={"AppSpecification": {"ContainerArguments": ["a", parameter("Epochs")]}}
            ),
            r"AppSpecification.ContainerArguments\[1\]",
        ),
    ],
)
def test_a_bare_reference_in_a_string_slot_is_refused_as_at_the_service(row: dict[str, Any], place: str) -> None:
    with pytest.raises(BadInput, match=rf"step .: {place} must be text, but Parameters.\w+ is") as error:
        check_references(*step_and_parameters(row))
    assert "Std:Join" in error.value.hint


def test_text_parameters_and_joins_may_stand_in_string_slots() -> None:
    values = {"a": parameter("Name"), "b": join(parameter("Epochs")), "c": "literal"}
    check_references(*step_and_parameters(training("T", NOWHERE, arguments={"HyperParameters": values})))


def test_a_literal_number_in_a_string_slot_is_refused() -> None:
    with pytest.raises(BadInput, match=r"HyperParameters.e must be text, but it is 3"):
        check_references(*step_and_parameters(training("T", NOWHERE, arguments={"HyperParameters": {"e": 3}})))


@pytest.mark.parametrize(
    ("kind", "slot", "limit"),
    [
        ("Training", "HyperParameters", 2500),
        ("Training", "Environment", 512),
        ("Processing", "Environment", 256),
    ],
)
def test_a_value_may_have_so_many_characters(kind: str, slot: str, limit: int) -> None:
    check_strings(kind, {slot: {"name": "x" * limit}}, "S")
    with pytest.raises(BadInput, match=rf"step S: {slot}.name has {limit + 1} characters; the limit is {limit}"):
        check_strings(kind, {slot: {"name": "x" * (limit + 1)}}, "S")


@pytest.mark.parametrize(
    ("kind", "outer"), [("Training", "AlgorithmSpecification"), ("Processing", "AppSpecification")]
)
def test_container_arguments_are_100_of_256_characters(kind: str, outer: str) -> None:
    check_strings(kind, {outer: {"ContainerArguments": ["x" * 256] * 100}}, "S")
    with pytest.raises(BadInput, match="has 257 characters"):
        check_strings(kind, {outer: {"ContainerArguments": ["x" * 257]}}, "S")
    with pytest.raises(BadInput, match="ContainerArguments has 101 entries; the limit is 100"):
        check_strings(kind, {outer: {"ContainerArguments": ["x"] * 101}}, "S")


def test_hyperparameters_are_100_with_names_of_256_characters() -> None:
    check_strings("Training", {"HyperParameters": {f"{index:0256}": "" for index in range(100)}}, "S")
    with pytest.raises(BadInput, match="HyperParameters has 101 entries"):
        check_strings("Training", {"HyperParameters": {str(index): "" for index in range(101)}}, "S")
    with pytest.raises(BadInput, match="in HyperParameters has 257 characters"):
        check_strings("Training", {"HyperParameters": {"x" * 257: ""}}, "S")


def test_a_number_that_a_step_result_brought_is_refused() -> None:
    with pytest.raises(BadInput, match=r"Environment\.LOSS must be text, but it is 0\.5"):
        check_strings("Processing", {"Environment": {"LOSS": 0.5}}, "S")
