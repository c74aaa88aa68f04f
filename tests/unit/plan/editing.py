"""The shipped definition as an account would have it, and edits of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any

from pipeline.definition import STATED_SUM, Definition, canonical, digest, read

NUMBER = "123456789012"
REGISTRY = f"{NUMBER}.dkr.ecr.us-east-1.amazonaws.com"
Edit = Callable[[dict[str, Any]], None]


def account_text() -> str:
    """The local definition with an account's images, roles and bucket."""
    text = (files("pipeline") / "compiled" / "igbo.local.json").read_text(encoding="utf-8")
    text = text.replace("0" * 12 + ":role", f"{NUMBER}:role").replace("asusu-local", f"asusu-{NUMBER}-us-east-1")
    for digit, step in enumerate(("preflight", "prepare", "tokenize", "train", "evaluate"), 1):
        text = text.replace(f'"local/asusu-{step}"', f'"{REGISTRY}/asusu-{step}@sha256:{str(digit) * 64}"')
    return with_sum(text)


def with_sum(text: str) -> str:
    """The text stating its own sum, as `compile` leaves it."""
    return STATED_SUM.sub(rf"\g<1>{digest(text)}", text)


def edited(text: str, *edits: Edit) -> str:
    """The definition after some edits."""
    raw = json.loads(text)
    for edit in edits:
        edit(raw)
    return with_sum(canonical(raw))


def plain(text: str, *edits: Edit) -> Definition:
    """The edited definition, its own sum left as it was."""
    raw = json.loads(text)
    for edit in edits:
        edit(raw)
    return read(json.dumps(raw))


def step_in(raw: dict[str, Any], name: str) -> dict[str, Any]:
    """A step, also one in a branch."""
    rows = list(raw["Steps"])
    for row in rows:
        if row["Name"] == name:
            found: dict[str, Any] = row
            return found
        if row["Type"] == "Condition":
            rows += row["Arguments"]["IfSteps"] + row["Arguments"]["ElseSteps"]
    raise KeyError(name)


def default(name: str, value: Any) -> Edit:
    """Another default of a parameter."""

    def edit(raw: dict[str, Any]) -> None:
        next(row for row in raw["Parameters"] if row["Name"] == name)["DefaultValue"] = value

    return edit


def argument(step: str, *path: str | int, value: Any) -> Edit:
    """Another value below a step's arguments."""

    def edit(raw: dict[str, Any]) -> None:
        place = step_in(raw, step)["Arguments"]
        for part in path[:-1]:
            place = place[part]
        place[path[-1]] = value

    return edit
