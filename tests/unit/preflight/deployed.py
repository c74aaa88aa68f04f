"""The shipped definition as it is compiled for an account: the same graph with another bucket, roles and images."""

from __future__ import annotations

import json
import re
from importlib.resources import files
from typing import Any

from pipeline import settings
from pipeline.definition import Definition, read
from pipeline.settings import Images, Settings

NUMBER = "123456789012"  # moto's account
REGION = "us-east-1"
BUCKET = f"asusu-{NUMBER}-{REGION}"
DIGEST = "sha256:" + "a" * 64
REGISTRY = f"{NUMBER}.dkr.ecr.{REGION}.amazonaws.com"


def chosen(**changes: Any) -> Settings:
    """The production environment, its images pinned."""
    found = settings.load("production", {"account": NUMBER})
    images = Images(**{step: f"{REGISTRY}/asusu-{step}@{DIGEST}" for step in Images.model_fields})
    return Settings.model_validate(found.model_dump() | {"images": images.model_dump()} | changes)


def definition(change: Any = None, images: Images | None = None) -> Definition:
    """The definition of that environment; `change` may edit the steps, by name, before it is read."""
    names = (images or chosen().images).model_dump()
    text = (files("pipeline") / "compiled" / "igbo.local.json").read_text(encoding="utf-8")
    text = text.replace("000000000000", NUMBER).replace("asusu-local", BUCKET)
    text = re.sub(r'"local/asusu-(\w+)"', lambda found: f'"{names[found[1]]}"', text)
    raw = json.loads(text)
    if change is not None:
        change({step["Name"]: step["Arguments"] for step in raw["Steps"]})
    return read(json.dumps(raw))
