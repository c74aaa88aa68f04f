"""What `Get`, `Std:Join` and `Std:JsonGet` mean: a value of the definition in, plain JSON out."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from pipeline.definition import STEP_REFERENCE, PropertyFile
from pipeline.errors import BadInput, StepFailed
from pipeline.local.parameters import Scalar, to_text
from pipeline.local.paths import parse_path, walk

EXECUTION_VARIABLES = (
    "PipelineExecutionId",
    "PipelineName",
    "PipelineArn",
    "PipelineExecutionArn",
    "StartDateTime",
    "CurrentDateTime",
)
FUNCTIONS = ("Std:Join", "Std:JsonGet")


@dataclass(frozen=True)
class Scope:
    """Everything a reference may refer to.

    `steps` holds the description of each step that succeeded; `property_files` what each step declares, by step and
    file name; `read` gives the text of the object at an S3 address.
    """

    parameters: Mapping[str, Scalar]
    execution: Mapping[str, str]
    steps: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    property_files: Mapping[str, Mapping[str, PropertyFile]] = field(default_factory=dict)
    read: Callable[[str], str] = lambda uri: ""


def resolve(value: Any, scope: Scope) -> Any:
    """The value with every reference and function replaced.

    Raises BadInput for a reference to nothing, StepFailed for a property file that is missing or not JSON.
    """
    if isinstance(value, Mapping):
        if set(value) == {"Get"}:
            return _get(value["Get"], scope)
        if set(value) == {"Std:Join"}:
            return _join(value["Std:Join"], scope)
        if set(value) == {"Std:JsonGet"}:
            return _json_get(value["Std:JsonGet"], scope)
        return {key: resolve(item, scope) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [resolve(item, scope) for item in value]
    return value


def _get(target: str, scope: Scope) -> Any:
    kind, _, name = target.partition(".")
    if kind == "Parameters":
        return _named(scope.parameters, name, "parameter")
    if kind == "Execution":
        return _named(scope.execution, name, "execution variable")
    match = STEP_REFERENCE.fullmatch(target)
    if not match or not match[2]:
        raise BadInput(f"cannot read the reference {target!r}", hint="write Parameters.X, Execution.X or Steps.Name.X")
    if match[1] not in scope.steps:
        raise BadInput(f"{target} refers to step {match[1]}, which has no result in this execution")
    return walk(scope.steps[match[1]], parse_path(match[2]), f"step {match[1]}")


def _named(values: Mapping[str, Any], name: str, what: str) -> Any:
    if name not in values:
        raise BadInput(f"there is no {what} {name!r}; known: {', '.join(values) or 'none'}")
    return values[name]


def _join(call: Mapping[str, Any], scope: Scope) -> str:
    pieces = []
    for item in call["Values"]:
        piece = resolve(item, scope)
        if not isinstance(piece, str | int | float):
            raise BadInput(f"Std:Join can join text and numbers, not {json.dumps(piece)[:80]}")
        pieces.append(to_text(piece))
    return str(call.get("On", "")).join(pieces)


def _json_get(call: Mapping[str, Any], scope: Scope) -> Scalar:
    uri = resolve(call["S3Uri"], scope) if "S3Uri" in call else _property_file(call["PropertyFile"]["Get"], scope)
    path = resolve(call["Path"], scope)
    try:
        document = json.loads(scope.read(uri), parse_constant=_refuse_constant)
    except ValueError as error:
        raise StepFailed(f"{uri} is not JSON: {error}") from error
    try:
        value = walk(document, parse_path(path), uri)
    except BadInput as error:
        raise StepFailed(error.message) from error
    if not isinstance(value, str | int | float):
        found = json.dumps(value)[:80]
        raise StepFailed(f"{path} of {uri} is {found}; Std:JsonGet reads text, numbers, true and false")
    return value


def _property_file(target: str, scope: Scope) -> str:
    """Address of a property file: its output's S3Uri, `/` and its FilePath."""
    match = STEP_REFERENCE.fullmatch(target)
    name = (match[2] or "").removeprefix("PropertyFiles.") if match else ""
    if not match or name not in scope.property_files.get(match[1], {}):
        raise BadInput(f"{target} is not a property file that a step declares")
    file = scope.property_files[match[1]][name]
    uri = _get(f"Steps.{match[1]}.ProcessingOutputConfig.Outputs['{file.output}'].S3Output.S3Uri", scope)
    return f"{uri.rstrip('/')}/{file.path}"


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")
