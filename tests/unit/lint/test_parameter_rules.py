"""Parameters: declared, used, well named, with defaults the service takes."""

from __future__ import annotations

from typing import Any

import pytest


def test_a_plain_string_in_the_parameter_list_vanishes_and_is_missed(example: Any) -> None:
    example.raw["Parameters"] = [row for row in example.raw["Parameters"] if row["Name"] != "MaxLoss"]
    assert example.found() == {
        ("undeclared-parameter", "Steps.Check.Arguments.Conditions[0].RightValue"),
        (
            "undeclared-parameter",
            "Steps.Reject.Arguments.ErrorMessage.Std:Join.Values[1].Std:Join.Values[0]",
        ),
        ("bad-condition", "Steps.Check.Arguments.Conditions[0].RightValue"),
    }


def test_a_parameter_used_only_outside_the_steps_counts_as_used(example: Any) -> None:
    example.raw["Parameters"].append({"Name": "Trial", "Type": "String", "DefaultValue": "x"})
    assert example.found() == {("unused-parameter", "Parameters.Trial")}
    example.raw["PipelineExperimentConfig"]["TrialName"] = {"Get": "Parameters.Trial"}
    assert example.found() == set()


def test_a_parameter_declared_twice(example: Any) -> None:
    example.raw["Parameters"].append(dict(example.parameter("Seed")))
    assert example.found() == {("duplicate-parameter", "Parameters.Seed")}


@pytest.mark.parametrize("name", ["bad name!", "x" * 257, "Größe"])
def test_a_name_the_service_refuses(example: Any, name: str) -> None:
    example.raw["Parameters"].append({"Name": name, "Type": "String", "DefaultValue": "x"})
    example.arguments("Prepare")["Environment"]["X"] = {"Get": f"Parameters.{name}"}
    assert example.found() == {("parameter-name", f"Parameters.{name}")}


def test_a_type_the_service_does_not_know(example: Any) -> None:
    example.parameter("CorpusUri")["Type"] = "Uri"
    assert example.found() == {("parameter-type", "Parameters.CorpusUri")}


@pytest.mark.parametrize(
    ("name", "default"),
    [
        ("TrainingInstanceType", "ml.p5.48xlarge"),  # not among its choices
        ("Seed", "17"),
        ("Seed", True),
        ("Seed", 1.5),
        ("MaxLoss", "1.5"),
        ("CorpusUri", ""),
        ("CorpusUri", "s3://bucket/" + "x" * 1013),
    ],
)
def test_a_default_the_service_refuses(example: Any, name: str, default: Any) -> None:
    example.parameter(name)["DefaultValue"] = default
    assert ("parameter-default", f"Parameters.{name}") in example.found()


def test_choices_only_on_strings(example: Any) -> None:
    example.parameter("Seed")["EnumValues"] = [17, 18]
    assert ("parameter-choices", "Parameters.Seed") in example.found()


def test_a_choice_listed_twice(example: Any) -> None:
    example.parameter("TrainingInstanceType")["EnumValues"].append("ml.g5.xlarge")
    assert example.found() == {("parameter-choices", "Parameters.TrainingInstanceType")}
