"""The options of `asusu run` that say what a job runs in: a process of this machine, or a container."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from pipeline.errors import BadInput
from pipeline.local.containers import Containers
from pipeline.local.engine import DOCKER, PODMAN
from pipeline.local.launch import Launcher, Processes


class Runner(StrEnum):
    """What a job runs in."""

    PROCESS = "process"
    PODMAN = PODMAN
    DOCKER = DOCKER


InRunner = Annotated[
    Runner, typer.Option("--runner", help="What jobs run in: a process here, or the images' containers")
]
Images = Annotated[
    str,
    typer.Option(help="What the images are called, e.g. 'localhost/asusu-{step}:dev'; default: as in the definition"),
]
ContainerUser = Annotated[
    str, typer.Option(help="User id in containers, or 1000:100; default: root, as at the service")
]
ContainerMemory = Annotated[str, typer.Option(help="The most a container may use, e.g. 4g; default: no limit")]


def launcher(runner: Runner, images: str, user: str, memory: str) -> Launcher:
    """What starts the jobs. Raises BadInput for a container's option without a container."""
    given = {"--images": images, "--container-user": user, "--container-memory": memory}
    if runner is not Runner.PROCESS:
        return Containers(runner.value, images, user, memory)
    for option, value in given.items():
        if value:
            raise BadInput(f"{option} is for containers", hint=f"add --runner {PODMAN} or --runner {DOCKER}")
    return Processes()
