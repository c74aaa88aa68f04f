"""Requests: each step's Arguments, with defaults filled in, are what the service's own shapes allow.

Pipelines refuses a bare reference to a number where the request wants a text ("Cannot assign property reference ... to
argument of type [String]"), and the SDK does not convert. So a reference is judged by the type it has, not by the text
its default would make.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from pipeline.definition import Definition
from pipeline.lint.finding import Finding
from pipeline.lint.shapes import JOB_NAMES, Shape, broken_limit, broken_pattern, request_shape
from pipeline.lint.values import EXECUTION_VARIABLES, resolve
from pipeline.lint.walk import function_of

WORDS: dict[str, tuple[str, tuple[type, ...]]] = {
    "string": ("a text", (str,)),
    "integer": ("a whole number", (int,)),
    "long": ("a whole number", (int,)),
    "float": ("a number", (int, float)),
    "double": ("a number", (int, float)),
    "boolean": ("true or false", (bool,)),
    "timestamp": ("a time", (str, int, float)),
    "structure": ("an object", (Mapping,)),
    "map": ("an object", (Mapping,)),
    "list": ("a list", (list,)),
}


def check_requests(definition: Definition) -> Iterator[Finding]:
    """Every Processing, Training and RegisterModel step; the job name is the one Pipelines would give."""
    for step in definition.steps:
        shape = request_shape(step.type)
        if shape is not None:
            arguments: Any = step.arguments
            if isinstance(arguments, Mapping) and step.type in JOB_NAMES:
                name = JOB_NAMES[step.type]
                arguments = {name: EXECUTION_VARIABLES[name], **arguments}
            yield from _check(arguments, shape, f"Steps.{step.name}.Arguments", definition)


def _check(raw: Any, shape: Shape, where: str, definition: Definition) -> Iterator[Finding]:
    """One value against one shape, downwards."""
    if function_of(raw) == "Std:JsonGet":
        return  # its type and length are known only when the file exists
    values = _candidates(raw, definition)
    for value in values:
        if not _fits(value, shape):
            yield _type_finding(raw, value, shape, where)
            return
    if function_of(raw) is None and isinstance(raw, Mapping | list):
        yield from _descend(raw, shape, where, definition)
    for value in values:
        finding = _constraint(value, shape, where)
        if finding:
            yield finding
            return


def _candidates(raw: Any, definition: Definition) -> list[Any]:
    """The value; for a bare reference to a parameter with choices, each of the choices."""
    if function_of(raw) == "Get":
        for parameter in definition.parameters:
            if raw["Get"] == f"Parameters.{parameter.name}" and parameter.choices:
                return list(parameter.choices)
    return [raw] if function_of(raw) is None else [resolve(raw, definition)]


def _fits(value: Any, shape: Shape) -> bool:
    types = WORDS[shape.type_name][1]
    return isinstance(value, types) and (shape.type_name == "boolean" or not isinstance(value, bool))


def _type_finding(raw: Any, value: Any, shape: Shape, where: str) -> Finding:
    wanted = WORDS[shape.type_name][0]
    kind = {bool: "Boolean", int: "Integer", float: "Float", str: "String"}.get(type(value), type(value).__name__)
    if function_of(raw) == "Get" and shape.type_name == "string":
        problem = f"{raw['Get']} is of type {kind}, and the request wants a text; the service refuses the definition"
        return Finding("bare-reference", where, problem, "write .to_string() on it, which makes a Std:Join")
    if function_of(raw):
        problem = f"gives a {kind}, and the request wants {wanted}"
        return Finding("wrong-type", where, problem, "refer to a parameter or property of that type")
    return Finding("wrong-type", where, f"is {value!r:.80}, and the request wants {wanted}", f"give {wanted}")


def _descend(raw: Any, shape: Shape, where: str, definition: Definition) -> Iterator[Finding]:
    if shape.type_name == "structure":
        for name in shape.metadata.get("required", []):
            if name not in raw:
                yield Finding("missing-argument", f"{where}.{name}", "the service requires it", "add it to the step")
        for key, item in raw.items():
            if key in shape.members:
                yield from _check(item, shape.members[key], f"{where}.{key}", definition)
            else:
                problem = f"{shape.name} has no member of this name"
                yield Finding("unknown-argument", f"{where}.{key}", problem, f"use {_nearest(key, shape.members)}")
    elif shape.type_name == "map":
        for key, item in raw.items():
            finding = _constraint(key, shape.key, f"{where}.{key}")
            if finding:
                yield finding
            yield from _check(item, shape.value, f"{where}.{key}", definition)
    else:
        for index, item in enumerate(raw):
            yield from _check(item, shape.member, f"{where}[{index}]", definition)


def _constraint(value: Any, shape: Shape, where: str) -> Finding | None:
    """The first of limit, choice and characters that a value of the right type misses."""
    if shape.type_name in ("structure", "boolean", "timestamp"):
        return None
    problem = broken_limit(shape, value)
    if problem:
        return Finding("limit", where, problem, "shorten it" if isinstance(value, str) else "stay within the limit")
    choices = shape.metadata.get("enum", [])
    if choices and value not in choices:
        problem = f"{value!r} is not a choice of {shape.name}"
        return Finding("choice", where, problem, f"use {_nearest(value, choices)}")
    pattern = broken_pattern(shape, value) if isinstance(value, str) else None
    if pattern:
        return Finding("characters", where, f"{value!r:.80} does not match {pattern}", "use the characters allowed")
    return None


def _nearest(word: str, choices: Collection[str]) -> str:
    """The choices most like a word, else all of them."""
    return " or ".join(get_close_matches(word, list(choices))) or f"one of {', '.join(choices)}"
