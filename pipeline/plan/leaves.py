"""Two JSON values side by side: every place where they differ, lists compared by the names of their items.

A list whose items carry a name (steps, parameters, inputs, channels, tags, conditions) is read as a map from name to item,
so that one that is put in front does not make all the others look changed. Reference: the definition's own members.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from pipeline.lint.walk import function_of
from pipeline.words import condition_in_words

NAMES = ("Name", "PropertyFileName", "InputName", "OutputName", "ChannelName", "Key")
STEP_LISTS = ("Steps", "IfSteps", "ElseSteps")
PLAIN_LISTS = (*STEP_LISTS, "Parameters")  # their items are written with a dot, as lint writes them


class Absent(Enum):
    """The side of a difference that has nothing."""

    ABSENT = "absent"

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = Absent.ABSENT


class Item(str):
    """A part of a path that is the name of a list's item."""


class Order(str):
    """The part of a path that stands for the order of a list's items."""


Path = tuple[str | int, ...]
ORDER = Order("order")


class Named(dict[Item, Any]):
    """A list by the names of its items."""


@dataclass(frozen=True)
class Difference:
    """One place that differs. A side is JSON with its lists by name, or ABSENT; what is a call of the service is whole."""

    path: Path
    before: Any
    after: Any


def named(value: Any) -> Any:
    """The value with every list of named items as a map; calls such as `Get` and lists of plain values stay whole."""
    if function_of(value) is not None:
        return value
    if isinstance(value, Mapping):
        return {str(key): named(item) for key, item in value.items()}
    if not isinstance(value, list):
        return value
    names = _names(value)
    if names is not None:
        return Named((Item(name), named(row)) for name, row in zip(names, value, strict=True))
    return [named(row) for row in value]


def _names(rows: list[Any]) -> list[str] | None:
    """A name for each row, None where one has none or two have the same."""
    if not rows or not all(isinstance(row, Mapping) and function_of(row) is None for row in rows):
        return None
    for key in NAMES:
        found = [row.get(key) for row in rows]
        if all(isinstance(name, str) for name in found):
            return [str(name) for name in found] if len(set(found)) == len(found) else None
    if all({"LeftValue", "Expression", "Conditions", "QueryValue"} & set(row) for row in rows):
        words = [condition_in_words(row) for row in rows]
        return words if len(set(words)) == len(words) else None
    return None


def differences(before: Any, after: Any) -> list[Difference]:
    """Every difference of two JSON values, in the order of the text; numbers that are equal are the same, 1 and 1.0 too."""
    return list(_walk(named(before), named(after), ()))


def _walk(before: Any, after: Any, path: Path) -> Iterator[Difference]:
    if isinstance(before, Named) and after == []:
        after = Named()
    if isinstance(after, Named) and before == []:
        before = Named()
    if _is_map(before) and _is_map(after) and type(before) is type(after):
        for key in [*before, *(key for key in after if key not in before)]:
            sides = before.get(key, ABSENT), after.get(key, ABSENT)
            if ABSENT in sides:
                yield Difference((*path, key), *sides)
            else:
                yield from _walk(*sides, (*path, key))
        if isinstance(before, Named):
            yield from _reordered(before, after, path)
    elif _is_list(before) and _is_list(after):
        for index in range(max(len(before), len(after))):
            sides = (before[index] if index < len(before) else ABSENT, after[index] if index < len(after) else ABSENT)
            if ABSENT in sides:
                yield Difference((*path, index), *sides)
            else:
                yield from _walk(*sides, (*path, index))
    elif not same(before, after):
        yield Difference(path, before, after)


def _reordered(before: Named, after: Named, path: Path) -> Iterator[Difference]:
    ours, theirs = [name for name in before if name in after], [name for name in after if name in before]
    if ours != theirs:
        yield Difference((*path, ORDER), [str(name) for name in ours], [str(name) for name in theirs])


def _is_map(value: Any) -> bool:
    return isinstance(value, Mapping) and function_of(value) is None


def _is_list(value: Any) -> bool:
    """A list of maps without names; lists of plain values and calls are compared whole."""
    return isinstance(value, list) and any(_is_map(row) for row in value)


def same(one: Any, other: Any) -> bool:
    """Equal as JSON: true is not 1, and 24 is 24.0."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return bool(one == other)


def place(path: Path) -> str:
    """A path as text, e.g. `Steps.TrainLora.Arguments.InputDataConfig['tokens'].InputMode`."""
    text = ""
    for before, part in zip(("", *path), path, strict=False):
        if isinstance(part, int):
            text += f"[{part}]"
        elif isinstance(part, Item) and before not in PLAIN_LISTS:
            text += f"[{str(part)!r}]"
        else:
            text += f".{part}" if text else str(part)
    return text


def step_of(path: Path) -> tuple[str, Path]:
    """Name of the innermost step that a path leads into, and the rest of the path; "" where it is in none."""
    found, rest = "", path
    for index in range(1, len(path)):
        if path[index - 1] in STEP_LISTS and isinstance(path[index], Item):
            found, rest = str(path[index]), path[index + 1 :]
    return found, rest
