"""Conditions: of a known kind, complete, and comparing numbers where an order is asked for.

Source of the kinds: the SDK's ConditionTypeEnum. All conditions of a step must hold for its If branch to run.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.definition import Definition
from pipeline.lint.finding import Finding
from pipeline.lint.values import has_type, resolve
from pipeline.lint.walk import dig, function_of, rows

ORDERINGS = ("GreaterThan", "GreaterThanOrEqualTo", "LessThan", "LessThanOrEqualTo")
KINDS = ("Equals", *ORDERINGS, "In", "Not", "And", "Or")


def check_conditions(definition: Definition) -> Iterator[Finding]:
    """Every condition of every Condition step, the inner ones of Not and Or too."""
    for step in definition.steps:
        if step.type == "Condition":
            where = f"Steps.{step.name}.Arguments.Conditions"
            conditions = rows(step.arguments, "Conditions")
            if not conditions:
                problem = "there is none, so the If branch would always run"
                yield Finding("bad-condition", where, problem, "compare the number with its limit")
            for index, condition in enumerate(conditions):
                for place, problem in _problems(condition, f"{where}[{index}]", definition):
                    yield Finding("bad-condition", place, problem, "correct the condition in the recipe")


def _problems(condition: Any, where: str, definition: Definition) -> Iterator[tuple[str, str]]:
    kind = dig(condition, "Type")
    if kind == "Not":
        yield from _problems(dig(condition, "Expression"), f"{where}.Expression", definition)
    elif kind in ("And", "Or") and not rows(condition, "Conditions"):
        yield where, f"{kind} needs Conditions"
    elif kind in ("And", "Or"):
        for index, inner in enumerate(rows(condition, "Conditions")):
            yield from _problems(inner, f"{where}.Conditions[{index}]", definition)
    elif kind == "In":
        if dig(condition, "QueryValue") is None or not rows(condition, "Values"):
            yield where, "In needs QueryValue and a list of Values"
    elif kind not in KINDS:
        yield where, f"{kind!r} is not a condition; the service has {', '.join(KINDS)}"
    else:
        for side in ("LeftValue", "RightValue"):
            value = dig(condition, side)
            if value is None:
                yield where, f"{kind} needs LeftValue and RightValue"
            elif kind in ORDERINGS and not _is_number(value, definition):
                yield f"{where}.{side}", f"{kind} compares numbers, and this is not one"


def _is_number(value: Any, definition: Definition) -> bool:
    """Whether a side is a number, or a value of a property file, which may be one."""
    return function_of(value) == "Std:JsonGet" or has_type(resolve(value, definition), "Float")
