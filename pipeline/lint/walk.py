"""Finding one's way in the nested JSON of a definition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

FUNCTIONS = ("Get", "Std:Join", "Std:JsonGet")
BRANCHES = ("IfSteps", "ElseSteps")  # lists of steps, which are visited as steps of their own


def dig(value: Any, *keys: str) -> Any:
    """The value below a chain of keys, None where any of them is missing."""
    for key in keys:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def rows(value: Any, *keys: str) -> list[Any]:
    """The list below a chain of keys, empty where there is none."""
    found = dig(value, *keys)
    return found if isinstance(found, list) else []


def pairs(value: Any, *keys: str) -> list[tuple[str, Any]]:
    """Key and value pairs of the map below a chain of keys, empty where there is none."""
    found = dig(value, *keys)
    return list(found.items()) if isinstance(found, Mapping) else []


def function_of(value: Any) -> str | None:
    """`Get`, `Std:Join` or another `Std:` name when the value is a call that the service resolves, else None."""
    if isinstance(value, Mapping) and len(value) == 1:
        name = str(next(iter(value)))
        if name == "Get" or name.startswith("Std:"):
            return name
    return None


def calls(value: Any, where: str) -> Iterator[tuple[str, Any, str]]:
    """Every function call in a value as (name, argument, place), outer before inner. Branches are not entered."""
    name = function_of(value)
    if name is not None:
        yield name, value[name], where
        yield from calls(value[name], f"{where}.{name}")
    elif isinstance(value, Mapping):
        for key, item in value.items():
            if key not in BRANCHES:
                yield from calls(item, f"{where}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from calls(item, f"{where}[{index}]")


def strings(value: Any, where: str) -> Iterator[tuple[str, str]]:
    """Every literal string in a value as (string, place), but no targets of `Get`. Branches are not entered."""
    if isinstance(value, str):
        yield value, where
    elif isinstance(value, Mapping) and function_of(value) != "Get":
        for key, item in value.items():
            if key not in BRANCHES:
                yield from strings(item, f"{where}.{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from strings(item, f"{where}[{index}]")
