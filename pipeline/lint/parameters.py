"""Parameters: every one declared is used, every one used is declared, and defaults are what the service takes.

The SDK drops a plain string from the parameter list without a word, accepts a default outside its choices and any
name; the service refuses them at upsert or, worse, at the start of a run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.definition import DeclaredParameter, Definition, references
from pipeline.lint.finding import Finding
from pipeline.lint.shapes import broken_limit, named_shape
from pipeline.lint.values import TYPES, has_type

NAME = re.compile(r"[A-Za-z0-9_-]{1,256}")  # botocore: PipelineParameterName
PREFIX = "Parameters."


def check_use(definition: Definition) -> Iterator[Finding]:
    """Used but undeclared, declared but unused, declared twice."""
    declared = [parameter.name for parameter in definition.parameters]
    outside_steps = {key: value for key, value in definition.raw.items() if key not in ("Steps", "Parameters")}
    found = list(references(outside_steps))
    for step in definition.steps:
        found += references(step.raw, f"Steps.{step.name}")
    used = set()
    for reference in found:
        if reference.target.startswith(PREFIX):
            name = reference.target.removeprefix(PREFIX)
            used.add(name)
            if name not in declared:
                yield Finding(
                    "undeclared-parameter",
                    reference.where,
                    f"uses the parameter {name!r}, which the definition does not declare",
                    "add it to steps/parameters.py, or pass the SDK's parameter object (a plain string is dropped)",
                )
    for name in dict.fromkeys(declared):
        if name not in used:
            yield Finding(
                "unused-parameter",
                f"Parameters.{name}",
                "is declared but no step uses it, so setting it changes nothing",
                "use it in a step, or remove it from steps/parameters.py",
            )
        if declared.count(name) > 1:
            yield Finding(
                "duplicate-parameter", f"Parameters.{name}", "is declared more than once", "keep one declaration"
            )


def check_declarations(definition: Definition) -> Iterator[Finding]:
    """Names, types, defaults and choices, each by itself."""
    for parameter in definition.parameters:
        where = f"Parameters.{parameter.name}"
        if not NAME.fullmatch(parameter.name):
            problem = f"the name {parameter.name!r} is not 1 to 256 letters, digits, hyphens and underscores"
            yield Finding("parameter-name", where, problem, "rename it in steps/parameters.py")
        if parameter.type not in TYPES:
            problem = f"has the type {parameter.type!r}; the service knows {', '.join(TYPES)}"
            yield Finding("parameter-type", where, problem, "give one of these types")
            continue
        if parameter.choices and parameter.type != "String":
            problem = f"has EnumValues but is of type {parameter.type}; only a String may have choices"
            yield Finding("parameter-choices", where, problem, "make it a String, or check the range in Preflight")
        if len(set(parameter.choices)) < len(parameter.choices):
            yield Finding("parameter-choices", where, "lists a choice twice", "keep each choice once")
        problem = _default_problem(parameter)
        if problem:
            yield Finding("parameter-default", where, problem, "correct the default in steps/parameters.py")


def _default_problem(parameter: DeclaredParameter) -> str:
    default = parameter.default
    if default is None:
        return ""
    if not has_type(default, parameter.type):
        return f"the default {default!r} is not of type {parameter.type}"
    if parameter.choices and default not in parameter.choices:
        return f"the default {default!r} is not among its choices {', '.join(parameter.choices)}"
    if default == "":
        return "the default is empty, which the service refuses; use a word such as 'none'"
    too_long = broken_limit(named_shape("Parameter").members["Value"], str(default))
    return f"the default {too_long}" if too_long else ""
