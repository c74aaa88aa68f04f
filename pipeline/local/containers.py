"""Jobs in containers: the images of the definition, shut in as tightly as the steps can bear.

The container sees the job's folder as `/opt/ml`, and nothing else of this machine: no network, a root file system that
cannot be written, no capabilities, none to be gained. Its environment is the image's, the request's, and limits on
threads. At the service the network and the file system are open; what runs here runs there.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from pipeline.errors import BadInput
from pipeline.local.engine import Engine
from pipeline.local.environment import IMAGE_PREFIX, JobKind, entry_point, repository, threads
from pipeline.local.launch import Launch, Work

SHUT_IN = (
    "--network=none",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    "--security-opt=label=disable",  # with labels the job's folder would have to be marked for the container
    "--read-only",
    "--tmpfs=/tmp:rw,exec,nosuid,nodev,mode=1777",
    "--shm-size=1g",
)
STEP = "{step}"
USER = re.compile(r"(\d{1,10})(?::(\d{1,10}))?")
MEMORY = re.compile(r"[1-9]\d*[kmg]")
SIGNALLED = 128  # an engine reports death by signal n as 128 + n
LAST_SIGNAL = 64


@dataclass(frozen=True)
class Containers:
    """Jobs in containers of one engine.

    `images`: what an image is called in the engine, `{step}` standing for the step's name; empty: as in the definition.
    `user`: a user id, or user and group id as `1000:100`; empty: `Engine.user`. `memory`: the most a container may use,
    e.g. `4g`; empty: no limit. Raises BadInput for values that are none.
    """

    engine: str
    images: str = ""
    user: str = ""
    memory: str = ""
    ids: dict[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        mine = Engine(self.engine).user
        if self.images and self.images.count(STEP) != 1:
            raise BadInput(
                f"the image name {self.images!r} must have {STEP} once", hint="e.g. localhost/asusu-{step}:dev"
            )
        if self.user and not USER.fullmatch(self.user):
            raise BadInput(f"{self.user!r} is no user id", hint="give a number, or user and group as in 1000:100")
        if self.memory and not MEMORY.fullmatch(self.memory):
            raise BadInput(f"{self.memory!r} is no amount of memory", hint="give a number with k, m or g, e.g. 4g")
        if os.geteuid() and self._owner != mine:
            raise BadInput(
                f"what user {self.user} writes could not be read here",
                hint="leave the user out, or run as root",
            )

    def check(self, kind: JobKind, image: str, application: Mapping[str, Any]) -> None:
        """Raises BadInput where the engine or the image is not there."""
        self._id(image)

    def version(self, image: str) -> str:
        """The image's id: the programs and the libraries they use, whatever this checkout holds by now."""
        return f"image {self._id(image)}" if image else "no image"

    def launch(self, work: Work) -> Launch:
        """The engine's `start`, in the foreground, of a container that was made for the work. Raises StepFailed."""
        engine = Engine(self.engine)
        self._hand_over(work.base_dir)
        engine.create(work.name, self.options(work))
        return Launch(
            engine.start(work.name),
            environment=os.environ,  # of the engine's command, which finds its settings there; no container sees it
            cwd=work.folder,
            clear_away=lambda: engine.remove(work.name),
            exit_code=lambda code: _exit_code(code) or (-signal.SIGTERM if engine.is_running(work.name) else 0),
        )

    def options(self, work: Work) -> list[str]:
        """What the engine is told about the container, image and arguments last."""
        entrypoint, arguments = entry_point(work.application, work.kind)
        return [
            *SHUT_IN,
            f"--user={self._owner}",
            *([f"--memory={self.memory}"] if self.memory else []),
            # In quotes, as it is read like a line of a CSV file.
            f'--mount=type=bind,"source={str(work.base_dir).replace(chr(34), chr(34) * 2)}",target=/opt/ml',
            *(f"--env={name}={value}" for name, value in {**threads(), **work.environment}.items()),
            *([f"--entrypoint={entrypoint[0]}"] if entrypoint else []),
            self._id(work.image),
            *entrypoint[1:],
            *arguments,
        ]

    def _id(self, image: str) -> str:
        """The image by id, asked for once: a run keeps the images that it began with, wherever their tags go."""
        if image not in self.ids:
            name = self.images.replace(STEP, repository(image).removeprefix(IMAGE_PREFIX)) or image
            self.ids[image] = Engine(self.engine).image_id(name)
        return self.ids[image]

    @cached_property
    def _owner(self) -> str:
        """User and group of the container's programs, as `user:group`."""
        match = USER.fullmatch(self.user)
        return f"{match[1]}:{match[2] or match[1]}" if match else Engine(self.engine).user

    def _hand_over(self, base_dir: Path) -> None:
        """Give the job's folder, where everything is a copy of its own, to the container's user."""
        user, group = map(int, self._owner.split(":"))
        if os.geteuid() or (user, group) == (0, 0):
            return
        for path in (base_dir, *base_dir.rglob("*")):
            os.chown(path, user, group, follow_symlinks=False)


def _exit_code(code: int) -> int:
    """As of a process: negative for a signal."""
    return SIGNALLED - code if SIGNALLED < code <= SIGNALLED + LAST_SIGNAL else code
