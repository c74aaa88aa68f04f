"""The images that ours stand on, by digest: `bases.json`, which a person fills in once and whenever AWS patches.

`training` is AWS's PyTorch training image for the region of the environment (the GPU image of SageMaker with Python
3.12; AWS lists them as "available images" of its Deep Learning Containers). `docs/containers.md` has the commands.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from containers.bakefile import ROOT
from pipeline.errors import BadInput

BASES_FILE = ROOT / "containers" / "bases.json"
HOW = "fill it into containers/bases.json as docs/containers.md shows"
Digest = Annotated[str, StringConstraints(pattern=r"^(?:sha256:[0-9a-f]{64})?$")]


class Base(BaseModel):
    """An image as a person names it, and the digest that stands for it; both empty until filled in."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    image: str
    digest: Digest


class Bases(BaseModel):
    """What the data images and the training images stand on."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    data: Base
    training: Base

    def unpinned(self) -> list[str]:
        """Names of the bases whose image or digest is missing."""
        return [name for name in ("data", "training") if not (base := self[name]).image or not base.digest]

    def __getitem__(self, name: str) -> Base:
        base: Base = getattr(self, name)
        return base

    def reference(self, name: str) -> str:
        """`repository:tag@digest`, or without the digest while there is none. Raises BadInput where there is no image."""
        base = self[name]
        if not base.image:
            raise BadInput(f"nobody has named the base image of {name} yet", hint=HOW)
        return f"{base.image}@{base.digest}" if base.digest else base.image


def read_bases(path: Path = BASES_FILE) -> Bases:
    """The file's content. Raises BadInput with every problem at once."""
    try:
        return Bases.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise BadInput(f"{path.name} cannot be used: {error}", hint=HOW) from error
