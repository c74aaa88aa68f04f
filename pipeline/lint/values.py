"""Values assumed for what only an execution knows: defaults of parameters, and plausible texts for the rest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.definition import STEP_REFERENCE, DeclaredParameter, Definition
from pipeline.lint.shapes import answer_shape, follow, parse_path, plausible
from pipeline.lint.walk import dig, function_of, rows
from steps.parameters import BY_NAME

EXAMPLES: dict[str, Any] = {"String": "s3://bucket/example", "Integer": 1, "Float": 1.0, "Boolean": True}
TYPES: dict[str, tuple[type, ...]] = {"String": (str,), "Integer": (int,), "Float": (int, float), "Boolean": (bool,)}

# Names from the developer guide's page "Execution variables" and the SDK's ExecutionVariables.
EXECUTION_VARIABLES = {
    "PipelineName": "asusu",
    "PipelineArn": "arn:aws:sagemaker:us-east-1:123456789012:pipeline/asusu",
    "PipelineExecutionId": "abcdef123456",
    "PipelineExecutionArn": "arn:aws:sagemaker:us-east-1:123456789012:pipeline/asusu/execution/abcdef123456",
    "StartDateTime": "2026-11-20T12:00:00Z",
    "CurrentDateTime": "2026-11-20T12:00:00Z",
    "TrainingJobName": "pipelines-abcdef123456-Example-ABCDEFGHIJ",
    "ProcessingJobName": "pipelines-abcdef123456-Example-ABCDEFGHIJ",
}
JSON_TEXT = "0"  # stands for a value in a property file, whose type nobody knows before the run


def has_type(value: Any, declared: str) -> bool:
    """Whether a JSON value is of a declared parameter type; a whole number is a good Float, True is no number."""
    return isinstance(value, TYPES.get(declared, ())) and (declared == "Boolean" or not isinstance(value, bool))


def parameter_value(parameter: DeclaredParameter) -> Any:
    """The default in its declared type; for a parameter without one, an example of what may be given."""
    if parameter.default is not None and has_type(parameter.default, parameter.type):
        return float(parameter.default) if parameter.type == "Float" else parameter.default
    if parameter.choices:
        return parameter.choices[0]
    row = BY_NAME.get(parameter.name)
    if row is not None and row.example and parameter.type == "String":
        return row.example
    return EXAMPLES.get(parameter.type, EXAMPLES["String"])


def resolve(value: Any, definition: Definition) -> Any:
    """The value with every call replaced by what it would give. Targets that do not exist become plain examples."""
    name = function_of(value)
    if name == "Get":
        return _get(str(value["Get"]), definition)
    if name == "Std:JsonGet":
        return JSON_TEXT
    if name == "Std:Join":
        texts = [_text(resolve(item, definition)) for item in rows(value[name], "Values")]
        return str(dig(value[name], "On") or "").join(texts)
    if isinstance(value, Mapping):
        return {key: resolve(item, definition) for key, item in value.items()}
    if isinstance(value, list):
        return [resolve(item, definition) for item in value]
    return value


def _text(value: Any) -> str:
    """A value as Std:Join writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _get(target: str, definition: Definition) -> Any:
    area, _, rest = target.partition(".")
    if area == "Parameters":
        return next((parameter_value(p) for p in definition.parameters if p.name == rest), EXAMPLES["String"])
    if area == "Execution":
        return EXECUTION_VARIABLES.get(rest, "example")
    match = STEP_REFERENCE.fullmatch(target)
    step = next((s for s in definition.steps if match and s.name == match.group(1)), None)
    answer = answer_shape(step.type) if step else None
    path = parse_path(match.group(2) or "") if match else None
    shape = follow(answer, path) if answer is not None and path else None
    return plausible(shape) if shape is not None else EXAMPLES["String"]
