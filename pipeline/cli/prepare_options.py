"""Options of a preparation from a file, from `--set name=value` and from switches: all problems said at once."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from pipeline.errors import BadInput
from pipeline.settings import read_yaml
from steps.prepare.options import PrepareOptions


def gather_options(config: Path | None, settings: Sequence[str], off: Sequence[str], jsonl: bool) -> PrepareOptions:
    """The options; a later source overrides an earlier one: the file, `settings`, `off` and `jsonl`.

    `off` adds to the rules that are off already. Raises BadInput with everything that is wrong, each with its place.
    """
    problems: list[str] = []
    values = _read_config(config) if config else {}
    for item in settings:
        _set(values, item, problems)
    if off:
        given = values.get("off", [])
        values["off"] = [*given, *off] if isinstance(given, list | tuple) else given
    if jsonl:
        values["jsonl"] = True
    try:
        options = PrepareOptions.model_validate(values)
    except ValidationError as error:
        problems += [_explain(item) for item in error.errors()]
        if all(item["loc"] for item in error.errors()):  # else the rules were looked at too
            problems += _unknown_rules(values)
    if problems:
        listed = "\n  ".join(problems)
        known = {"there is no such option": "options: " + ", ".join(PrepareOptions.model_fields)}
        hints = [words for sign, words in known.items() if sign in listed]
        raise BadInput(f"options refused, nothing was run:\n  {listed}", hint="; ".join(hints))
    return options


def _unknown_rules(values: dict[str, Any]) -> list[str]:
    try:
        PrepareOptions.model_validate({"off": values.get("off", ())})
    except ValidationError as error:
        return [_explain(item) for item in error.errors() if not item["loc"]]
    return []


def _read_config(path: Path) -> dict[str, Any]:
    try:
        value = read_yaml(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot read {path}: {error}", hint="check the path after --config") from error
    except yaml.YAMLError as error:
        raise BadInput(f"{path} is neither YAML nor JSON: {error}", hint="write lines such as max_ratio: 3") from error
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise BadInput(f"{path} holds a {type(value).__name__}, not fields", hint="write lines such as max_ratio: 3")
    return {str(name): item for name, item in value.items()}


def _set(values: dict[str, Any], item: str, problems: list[str]) -> None:
    """Put `name=value`, or `group.name=value`, into the values."""
    name, sign, text = item.partition("=")
    if not sign or not name.strip():
        problems.append(f"--set {item!r} is not name=value")
        return
    try:
        value = read_yaml(text)
    except yaml.YAMLError:
        value = text
    *groups, last = name.strip().split(".")
    place = values
    for group in groups:
        inner = place.get(group)
        place[group] = dict(inner) if isinstance(inner, dict) else {}
        place = place[group]
    place[last] = value


def _explain(item: Any) -> str:
    """One problem: the field as it is typed after --set, what is wrong, and which field was perhaps meant."""
    name = ".".join(str(part) for part in item["loc"])
    if item["type"] == "extra_forbidden":
        close = difflib.get_close_matches(name, PrepareOptions.model_fields, n=1)
        return f"{name}: there is no such option" + (f"; did you mean {close[0]}?" if close else "")
    message = str(item["msg"]).removeprefix("Value error, ")
    given = "" if item["type"] == "missing" or not name else f", not {item['input']!r}"
    return f"{name}: {message}{given}" if name else message
