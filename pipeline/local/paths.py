"""The path grammar of property references and of `Std:JsonGet`: `a.b[0].c` and `a['any text'].b`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pipeline.errors import BadInput

Part = str | int

TOKEN = re.compile(
    r"""(?P<dot>\.)?(?P<name>[^.\[\]'"\s]+)  # .name, without the dot at the beginning
      | \[(?P<index>[0-9]+)\]                # [0]
      | \['(?P<single>[^']+)'\]              # ['validation:loss']
      | \["(?P<double>[^"]+)"\]              # ["validation:loss"]
    """,
    re.VERBOSE,
)

# Lists that the service lets a reference index by a name instead of a number, and the field that holds the name.
NAME_FIELDS = ("OutputName", "MetricName", "InputName", "ChannelName", "Name")


def parse_path(text: str) -> tuple[Part, ...]:
    """The parts of a path: names as str, indexes as int. Raises BadInput where the text does not fit the grammar."""
    parts: list[Part] = []
    position = 0
    while position < len(text) or not parts:
        match = TOKEN.match(text, position)
        if not match or (match["name"] and bool(match["dot"]) != bool(parts)):
            raise BadInput(
                f"cannot read the path {text!r} at {text[position:] or 'its end'!r}",
                hint="write a.b[0].c or a['any text'].b",
            )
        index = match["index"]
        parts.append(int(index) if index else match["name"] or match["single"] or match["double"])
        position = match.end()
    return tuple(parts)


def walk(value: Any, parts: tuple[Part, ...], what: str) -> Any:
    """The value at a path. `what` names the document in errors, e.g. `step TrainLora`.

    Raises BadInput where a part does not exist, naming what does.
    """
    for number, part in enumerate(parts):
        found, value = _step_into(value, part)
        if not found:
            raise BadInput(f"{what} has no {format_path(parts[: number + 1])}; there it has {_choices(value)}")
    return value


def format_path(parts: tuple[Part, ...]) -> str:
    """The text of a path that `parse_path` reads back."""
    text = ""
    for part in parts:
        if isinstance(part, int):
            text += f"[{part}]"
        elif re.fullmatch(r"[^.\[\]'\"\s]+", part):
            text += f".{part}" if text else part
        else:
            text += f'["{part}"]' if "'" in part else f"['{part}']"
    return text


def _step_into(value: Any, part: Part) -> tuple[bool, Any]:
    """(True, the inner value), or (False, the value itself) where the part does not exist."""
    if isinstance(value, Mapping) and isinstance(part, str) and part in value:
        return True, value[part]
    if isinstance(value, list | tuple):
        if isinstance(part, int):
            return (True, value[part]) if part < len(value) else (False, value)
        for item in value:
            if part in _names(item):
                return True, item
    return False, value


def _names(item: Any) -> list[str]:
    return [str(item[field]) for field in NAME_FIELDS if field in item] if isinstance(item, Mapping) else []


def _choices(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(map(str, value)) or "nothing"
    if isinstance(value, list | tuple):
        names = [name for item in value for name in _names(item)]
        return f"a list of {len(value)}" + (f": {', '.join(names)}" if names else "")
    return f"the value {value!r}"
