"""Values and conditions of a definition in words: for pictures and messages."""

from __future__ import annotations

from typing import Any

from pipeline.definition import STEP_REFERENCE
from pipeline.lint.walk import dig, function_of, rows

OPERATORS = {
    "Equals": "=",
    "GreaterThan": ">",
    "GreaterThanOrEqualTo": ">=",
    "LessThan": "<",
    "LessThanOrEqualTo": "<=",
}


def condition_in_words(condition: Any) -> str:
    """A condition in words, e.g. `validation loss <= MaxValidationLoss`."""
    kind = str(dig(condition, "Type"))
    if kind == "Not":
        return f"not ({condition_in_words(dig(condition, 'Expression'))})"
    if kind == "Or":
        return "(" + " or ".join(condition_in_words(inner) for inner in rows(condition, "Conditions")) + ")"
    if kind == "In":
        return f"{in_words(dig(condition, 'QueryValue'))} in {', '.join(map(in_words, rows(condition, 'Values')))}"
    left, right = in_words(dig(condition, "LeftValue")), in_words(dig(condition, "RightValue"))
    return f"{left} {OPERATORS.get(kind, kind)} {right}"


def in_words(value: Any) -> str:
    """A value or call in words: a parameter's name, a step's property, `gate verdict` of a property file.

    Within a longer text, what is filled in stands in braces.
    """
    name = function_of(value)
    if name == "Get":
        target = str(value["Get"])
        match = STEP_REFERENCE.fullmatch(target)
        return f"{match.group(1)}'s {match.group(2)}" if match else target.partition(".")[2]
    if name == "Std:JsonGet":
        parts = str(dig(value[name], "Path")).removeprefix("metrics.").removesuffix(".value").split(".")
        return " ".join(parts).replace("_", " ")
    if name == "Std:Join":
        items = rows(value[name], "Values")
        words = [in_words(item) for item in items]
        if len(items) > 1:
            words = [f"{{{word}}}" if function_of(item) else word for item, word in zip(items, words, strict=True)]
        return str(dig(value[name], "On") or "").join(words)
    return str(value)
