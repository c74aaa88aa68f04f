"""Images by digest: the lock file that `make push-images` writes and that compiling an environment reads.

A tag can be moved to another image between two runs, a digest cannot. So definitions carry digests, and tags are for
people. The lock lies beside the environment's file, `production.images.json` beside `production.yaml`; it holds no account
number, since the environment says which repositories the digests are in.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from pipeline.errors import BadInput
from pipeline.local.files import write_text_atomically

STEPS = ("preflight", "prepare", "tokenize", "train", "evaluate")
SUFFIX = ".images.json"
LOCAL = "local/"  # repositories of this name exist on this machine only

Digest = Annotated[str, StringConstraints(pattern=r"^sha256:[0-9a-f]{64}$")]


class Pushed(BaseModel):
    """One image in its repository: what it is, and what it was made of."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    digest: Digest
    inputs: str = Field(pattern=r"^[0-9a-f]{16}$", description="Sum over everything the image is made of; also its tag")
    base: Digest = Field(description="The image of others that it stands on")
    git: str = Field(pattern=r"^[0-9a-f]{40}$", description="The commit it was built from")


class ImageLock(BaseModel):
    """The images of one environment, one per step program."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    preflight: Pushed
    prepare: Pushed
    tokenize: Pushed
    train: Pushed
    evaluate: Pushed

    def __getitem__(self, step: str) -> Pushed:
        pushed: Pushed = getattr(self, step)
        return pushed

    def text(self) -> str:
        """Canonical JSON: sorted, so that a difference in git is a difference in an image."""
        return json.dumps(self.model_dump(), indent=2, sort_keys=True) + "\n"


def read_lock(text: str, name: str) -> ImageLock:
    """The lock of a file's text. Raises BadInput with every problem at once."""
    try:
        return ImageLock.model_validate_json(text)
    except ValidationError as error:
        problems = "\n".join(f"  {'.'.join(map(str, row['loc'])) or name}: {row['msg']}" for row in error.errors())
        raise BadInput(
            f"image lock {name} has {error.error_count()} problem(s):\n{problems}", hint="make push-images"
        ) from error


def write_lock(lock: ImageLock, path: Path) -> None:
    """Write a lock under a temporary name, then rename it."""
    write_text_atomically(path, lock.text())


def pinned(repositories: Mapping[str, str], lock: ImageLock, name: str) -> dict[str, str]:
    """`repository@digest` per step. A repository that carries a digest of its own stays as it is.

    Raises BadInput for one with a tag, which would say twice, and perhaps differently, which image is meant.
    """
    made: dict[str, str] = {}
    for step, repository in repositories.items():
        if by_digest(repository):
            made[step] = repository
        elif tag_of(repository):
            raise BadInput(
                f"the environment names {repository} with a tag, and {name} gives its digest",
                hint="take the tag out of the environment's file",
            )
        else:
            made[step] = f"{repository}@{lock[step].digest}"
    return made


def by_digest(reference: str) -> bool:
    """Whether a reference names one image for good."""
    return "@sha256:" in reference


def tag_of(reference: str) -> str:
    """The tag of a reference, empty where it has none; a registry's port is no tag."""
    return reference.partition("@")[0].rpartition("/")[2].partition(":")[2]


def mutable(reference: str) -> bool:
    """Whether what a reference names can change: every image that is not named by digest, but for this machine's own."""
    return not by_digest(reference) and not reference.startswith(LOCAL)
