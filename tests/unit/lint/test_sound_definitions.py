"""What is sound has no findings, and botocore itself agrees."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import pytest
from botocore.validate import ParamValidator

from pipeline.definition import Definition, read
from pipeline.lint import Finding, Rule, lint
from pipeline.lint.shapes import JOB_NAMES, request_shape
from pipeline.lint.values import EXECUTION_VARIABLES, resolve

COMPILED = sorted((Path(__file__).parents[3] / "pipeline" / "compiled").glob("*.json"))


@pytest.fixture(params=COMPILED, ids=lambda path: path.name)
def compiled(request: pytest.FixtureRequest) -> Definition:
    """Each definition that is committed."""
    return read(request.param.read_text(encoding="utf-8"))


def botocore_errors(definition: Definition) -> list[str]:
    """What botocore's own validator says about each resolved request."""
    errors = []
    for step in definition.steps:
        shape = request_shape(step.type)
        if shape is not None:
            request: dict[str, Any] = resolve(step.arguments, definition)
            if step.type in JOB_NAMES:
                request[JOB_NAMES[step.type]] = EXECUTION_VARIABLES[JOB_NAMES[step.type]]
            report = ParamValidator().validate(request, shape)
            if report.has_errors():
                errors.append(f"{step.name}: {report.generate_report()}")
    return errors


def test_the_example_has_no_findings(example: Any) -> None:
    assert example.findings() == []


def test_every_compiled_definition_has_no_findings(compiled: Definition) -> None:
    assert [str(finding) for finding in lint(compiled)] == []


def test_definitions_are_committed() -> None:
    assert "igbo.local.json" in [path.name for path in COMPILED]


def test_botocore_accepts_every_resolved_request(example: Any, compiled: Definition) -> None:
    assert botocore_errors(example.read()) == []
    assert botocore_errors(compiled) == []


@pytest.mark.parametrize(
    ("step", "key", "value"),
    [
        ("Train", "HyperParameters", {"Epochs": {"Get": "Parameters.Epochs"}}),
        ("Train", "HyperParameters", {"epochs": 3}),
        ("Train", "RoleArn", None),
        ("Train", "Colour", "blue"),
        ("Train", "ResourceConfig", []),
        ("Prepare", "StoppingCondition", {"MaxRuntimeInSeconds": "3600"}),
        ("Prepare", "StoppingCondition", {"MaxRuntimeInSeconds": 0}),
        ("Prepare", "StoppingCondition", {}),
        ("Register", "InferenceSpecification", {}),
    ],
)
def test_lint_refuses_what_botocore_refuses(example: Any, step: str, key: str, value: Any) -> None:
    example.arguments(step)[key] = value
    assert botocore_errors(example.read())
    assert any(finding.where.startswith(f"Steps.{step}.Arguments.{key}") for finding in example.findings())


def test_a_literal_none_in_a_hyperparameter_is_fine(example: Any) -> None:
    assert example.arguments("Train")["HyperParameters"]["save_total_limit"] == "None"
    assert example.findings() == []


def test_a_finding_reads_as_where_why_and_what_to_do() -> None:
    finding = Finding("cycle", "Steps.A", "waits for itself: A waits for A", "remove one DependsOn")
    assert str(finding) == "Steps.A: waits for itself: A waits for A [cycle]\n  next: remove one DependsOn"


def test_every_finding_has_a_place_a_reason_and_a_remedy(example: Any) -> None:
    example.raw["Parameters"] = []
    example.arguments("Train")["EnableNetworkIsolation"] = False
    findings = example.findings()
    assert findings
    assert all(finding.where and finding.problem and finding.remedy for finding in findings)


def test_every_rule_has_a_test() -> None:
    tests = "\n".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    assert [rule for rule in get_args(Rule) if f'("{rule}", ' not in tests] == []
