"""The condition types of the pipeline definition schema, evaluated on resolved values."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from pipeline.errors import BadInput, StepFailed

Condition = Mapping[str, Any]

COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}
TYPES = (*COMPARISONS, "In", "Not", "And", "Or")


def all_hold(conditions: list[Condition]) -> bool:
    """Do all conditions of a Condition step hold? The service joins them with And."""
    outcomes = [holds(condition) for condition in conditions]
    return all(outcomes)


def holds(condition: Condition) -> bool:
    """Does one resolved condition hold?

    Every operand of And, Or and In is evaluated, so that a comparison that makes no sense is always found. Raises
    StepFailed where values of different kinds are compared.
    """
    kind = condition["Type"]
    if kind in COMPARISONS:
        return _compare(kind, condition["LeftValue"], condition["RightValue"])
    if kind == "In":
        found = [_compare("Equals", condition["QueryValue"], value) for value in condition["Values"]]
        return any(found)
    if kind == "Not":
        return not holds(condition["Expression"])
    inner = [holds(item) for item in condition["Conditions"]]
    return all(inner) if kind == "And" else any(inner)


def check_shape(condition: Any, where: str) -> None:
    """Raises BadInput, naming the place, where a condition of the definition has an unknown type or lacks a field."""
    kind = condition.get("Type") if isinstance(condition, Mapping) else None
    if kind not in TYPES:
        raise BadInput(f"{where} has the unsupported condition type {kind!r}; supported: {', '.join(TYPES)}")
    fields = {"In": ("QueryValue", "Values"), "Not": ("Expression",), "And": ("Conditions",), "Or": ("Conditions",)}
    for name in fields.get(kind, ("LeftValue", "RightValue")):
        if name not in condition:
            raise BadInput(f"{where}, a condition of type {kind}, has no {name}")
    inner = [condition["Expression"]] if kind == "Not" else condition.get("Conditions", [])
    for index, item in enumerate(inner):
        check_shape(item, f"{where}.{kind}[{index}]")


def _compare(kind: str, left: Any, right: Any) -> bool:
    if _family(left) != _family(right):
        raise StepFailed(
            f"{kind} cannot compare {left!r} ({_family(left)}) with {right!r} ({_family(right)})",
            hint='make both sides numbers or both text; in a JSON file 0.5 is a number and "0.5" is text',
        )
    if kind != "Equals" and _family(left) == "boolean":
        raise StepFailed(f"{kind} cannot order true and false", hint="use Equals")
    return COMPARISONS[kind](left, right)


def _family(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else type(value).__name__
