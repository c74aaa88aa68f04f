"""How a job is started on this machine: in a process of its own, which is what is done here, or in a container
(`containers`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from pipeline.local.cache import code_version
from pipeline.local.environment import CommandFor, JobKind, command_for, command_line, steps_folder, variables
from pipeline.local.names import kept_folder

KEEP_VARIABLE = "ASUSU_KEEP"  # a folder that outlives the job, which only this machine has


@dataclass(frozen=True)
class Work:
    """What is to be started: a job, or one host of it.

    `environment` is the request's own and what the platform adds for this kind of job; `base_dir` stands for the
    container's `/opt/ml`, `folder` is around it, and both are the job's own.
    """

    name: str
    kind: JobKind
    image: str
    application: Mapping[str, Any]
    environment: Mapping[str, str]
    folder: Path
    base_dir: Path


def _nothing() -> None:
    """A process leaves nothing behind that its group's end does not end."""


@dataclass(frozen=True)
class Launch:
    """A command with the environment and the folder it starts in.

    When the command has ended, `exit_code` reads its code, which is negative for a signal, and then `clear_away` ends and
    removes what may be left.
    """

    command: list[str]
    environment: Mapping[str, str]
    cwd: Path
    clear_away: Callable[[], None] = _nothing
    exit_code: Callable[[int], int] = int


class Launcher(Protocol):
    """One way of starting jobs."""

    @property
    def engine(self) -> str:
        """The container engine that the jobs are left to, empty for none."""

    def check(self, kind: JobKind, image: str, application: Mapping[str, Any]) -> None:
        """Raises BadInput for a job that could not be started."""

    def version(self, image: str) -> str:
        """What stands for the programs in cache keys; `image` is empty for a step that runs none."""

    def launch(self, work: Work) -> Launch:
        """The command that does the work. SIGTERM to its process asks the job to end."""


@dataclass(frozen=True)
class Processes:
    """Jobs as processes of this machine's interpreter. `code`: what stands for the programs in cache keys, by default
    a sum over the package `steps`."""

    commands: CommandFor = command_for
    code: str | None = None
    engine: str = ""

    def check(self, kind: JobKind, image: str, application: Mapping[str, Any]) -> None:
        """Raises BadInput for an image without a program here."""
        command_line(application, kind, image, self.commands)

    def version(self, image: str) -> str:
        """One for all images: they are this checkout."""
        return self.code or self._sum

    @cached_property
    def _sum(self) -> str:
        return code_version(steps_folder())

    def launch(self, work: Work) -> Launch:
        """The program of the image, in an empty home."""
        home = work.folder / "home"
        home.mkdir(parents=True)
        kept = {KEEP_VARIABLE: str(kept_folder(work.folder))}
        return Launch(
            command_line(work.application, work.kind, work.image, self.commands),
            environment=variables(work.environment, work.base_dir, home) | kept,
            cwd=home,
        )
