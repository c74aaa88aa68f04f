"""`docker-bake.json`, read as `docker buildx bake` reads it: targets in building order, variables filled in.

For engines without bake, podman among them. Only what our file uses is understood: variables, inherited targets and
`target:` contexts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import BadInput

ROOT = Path(__file__).resolve().parents[1]
BAKE_FILE = ROOT / "containers" / "docker-bake.json"
TARGET = "target:"
VARIABLE = re.compile(r"\$\{(\w+)\}")


@dataclass(frozen=True)
class Target:
    """One image: the Dockerfile below the repository, its arguments, tags and labels, and the targets it stands on."""

    name: str
    dockerfile: str
    args: Mapping[str, str]
    tags: tuple[str, ...]
    labels: Mapping[str, str]
    bases: tuple[str, ...]
    platforms: tuple[str, ...]


def read_bake_file(path: Path = BAKE_FILE) -> dict[str, Any]:
    """The file as it stands."""
    raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return raw


def targets(raw: Mapping[str, Any], values: Mapping[str, str]) -> list[Target]:
    """The default group and what it stands on, bases first. Raises BadInput for a variable that the file has not."""
    known = {name: row.get("default", "") for name, row in raw["variable"].items()}
    if unknown := set(values) - set(known):
        raise BadInput(f"docker-bake.json has no variable {', '.join(sorted(unknown))}")
    made: dict[str, Target] = {}
    for name in raw["group"]["default"]["targets"]:
        for target in _with_bases(raw, name, {**known, **values}):
            made.setdefault(target.name, target)
    return list(made.values())


def _with_bases(raw: Mapping[str, Any], name: str, values: Mapping[str, str]) -> Iterator[Target]:
    row = _inherited(raw, name)
    contexts = {key: value.removeprefix(TARGET) for key, value in row.get("contexts", {}).items()}
    args = {key: _filled(value, values) for key, value in row.get("args", {}).items()}
    for base in contexts.values():
        yield from _with_bases(raw, base, values)
    # BuildKit takes a context's name for an image; elsewhere the image needs its own name.
    tagged = {key: _filled(_inherited(raw, base)["tags"][0], values) for key, base in contexts.items()}
    yield Target(
        name=name,
        dockerfile=row["dockerfile"],
        args={key: tagged.get(value, value) for key, value in args.items()},
        tags=tuple(_filled(tag, values) for tag in row["tags"]),
        labels={key: _filled(value, values) for key, value in row.get("labels", {}).items()},
        bases=tuple(contexts.values()),
        platforms=tuple(row["platforms"]),
    )


def _inherited(raw: Mapping[str, Any], name: str) -> dict[str, Any]:
    own: dict[str, Any] = raw["target"][name]
    merged: dict[str, Any] = {}
    for parent in own.get("inherits", []):
        merged |= _inherited(raw, parent)
    return merged | own


def _filled(text: str, values: Mapping[str, str]) -> str:
    return VARIABLE.sub(lambda match: values[match[1]], text)
