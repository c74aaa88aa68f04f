"""Run-time parameters as StartPipelineExecution takes them: strings in, typed values out, every problem at once."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from pipeline.definition import DeclaredParameter, Definition
from pipeline.errors import BadInput

Scalar = str | int | float | bool

VALUE_LIMIT = 1024  # characters; botocore's shape of StartPipelineExecution: 1 to 1,024
INTEGER = re.compile(r"[+-]?[0-9]+")
FLOAT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
EXPECTED = {"String": "text", "Integer": "a whole number", "Float": "a number", "Boolean": "true or false"}


def typed_parameters(definition: Definition, given: Mapping[str, str]) -> dict[str, Scalar]:
    """Every declared parameter with its value: the given text cast to the declared type, else the default.

    Raises BadInput that lists every problem: unknown names, missing values, wrong types, values outside the choices.
    """
    declared = {parameter.name: parameter for parameter in definition.parameters}
    known = ", ".join(declared) or "none"
    problems = [f"{name} is not a parameter; known: {known}" for name in given if name not in declared]
    values: dict[str, Scalar] = {}
    for name, parameter in declared.items():
        try:
            values[name] = cast(parameter, given[name]) if name in given else _default(parameter)
        except ValueError as error:
            problems.append(str(error))
    if problems:
        raise BadInput("; ".join(problems), hint="correct the values; nothing was run")
    return values


def cast(parameter: DeclaredParameter, text: str) -> Scalar:
    """The typed value of one given text. Raises ValueError with the name, the text and what is expected."""
    if not text or len(text) > VALUE_LIMIT:
        raise ValueError(f"{parameter.name} has {len(text)} characters; a value has 1 to {VALUE_LIMIT}")
    value = _parse(parameter.type, text)
    if value is None:
        raise ValueError(f"{parameter.name}={text!r} is not {EXPECTED[parameter.type]}")
    _check_choice(parameter, value)
    return value


def to_text(value: Scalar) -> str:
    """A value inside a `Std:Join`: text as it is, `true` or `false`, whole numbers plain, floats as Python's repr."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else repr(value)


def _parse(kind: str, text: str) -> Scalar | None:
    if kind == "String":
        return text
    if kind == "Boolean":
        return {"true": True, "false": False}.get(text.lower())
    if kind == "Integer":
        return int(text) if INTEGER.fullmatch(text) else None
    value = float(text) if FLOAT.fullmatch(text) else math.inf
    return value if math.isfinite(value) else None


def _default(parameter: DeclaredParameter) -> Scalar:
    value = parameter.default
    if value is None:
        raise ValueError(f"{parameter.name} has no default: a value must be given ({EXPECTED[parameter.type]})")
    if parameter.type == "Float" and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    native = {"String": str, "Integer": int, "Float": float, "Boolean": bool}[parameter.type]
    if type(value) is not native:
        raise ValueError(f"the default {value!r} of {parameter.name} is not {EXPECTED[parameter.type]}")
    _check_choice(parameter, value)
    return value


def _check_choice(parameter: DeclaredParameter, value: Scalar) -> None:
    if parameter.choices and to_text(value) not in map(str, parameter.choices):
        raise ValueError(f"{parameter.name}={to_text(value)!r} is not one of {', '.join(map(str, parameter.choices))}")
