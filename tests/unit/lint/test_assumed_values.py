"""What lint assumes for values that only an execution knows, and how it reads the service's shapes."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.lint.shapes import broken_pattern, follow, named_shape, parse_path, plausible, request_shape
from pipeline.lint.values import resolve


@pytest.mark.parametrize(
    ("value", "assumed"),
    [
        ({"Get": "Parameters.Seed"}, 17),
        ({"Get": "Parameters.Epochs"}, 1.0),
        ({"Get": "Parameters.CorpusUri"}, "s3://bucket/corpora/"),  # the example of steps.parameters begins so
        ({"Get": "Parameters.Kind"}, "a"),
        ({"Get": "Parameters.Other"}, "s3://bucket/example"),
        ({"Get": "Execution.PipelineExecutionId"}, "abcdef123456"),
        ({"Get": "Steps.Train.ModelArtifacts.S3ModelArtifacts"}, "s3://bucket/example"),
        ({"Get": "Steps.Train.BillableTimeInSeconds"}, 1),
        ({"Get": "Steps.Train.TrainingJobStatus"}, "InProgress"),
        ({"Get": "Steps.Train.RoleArn"}, "arn:aws:iam:"),
        ({"Std:Join": {"On": "-", "Values": ["a", 1, True, {"Get": "Parameters.Seed"}]}}, "a-1-true-17"),
        ([{"x": {"Get": "Parameters.Seed"}}], [{"x": 17}]),
    ],
)
def test_an_assumed_value(example: Any, value: Any, assumed: Any) -> None:
    example.raw["Parameters"] += [
        {"Name": "Kind", "Type": "String", "EnumValues": ["a", "b"]},
        {"Name": "Other", "Type": "String"},
    ]
    found = resolve(value, example.read())
    assert type(found) is type(assumed)
    assert found.startswith(assumed) if isinstance(assumed, str) else found == assumed


def test_a_path_in_all_its_forms() -> None:
    path = parse_path("ProcessingOutputConfig.Outputs['data-report'].S3Output.S3Uri")
    assert path == ["ProcessingOutputConfig", "Outputs", ("data-report",), "S3Output", "S3Uri"]
    shape = follow(request_shape("Processing"), path)
    assert shape is not None
    assert shape.name == "S3Uri"
    assert parse_path("Outputs[12]") == ["Outputs", 12]
    assert parse_path("Outputs[x]") is None


def test_a_pattern_that_python_cannot_read_is_passed_over() -> None:
    catalog = named_shape("AthenaCatalog")
    assert "uD7FF" in catalog.metadata["pattern"]
    assert broken_pattern(catalog, "anything") is None


@pytest.mark.parametrize("name", ["RoleArn", "S3Uri", "TrainingJobStatus", "StepName"])
def test_a_plausible_text_matches_its_own_shape(name: str) -> None:
    shape = named_shape(name)
    assert broken_pattern(shape, plausible(shape)) is None
