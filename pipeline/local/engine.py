"""podman and docker, as far as a local run needs them: is an image there, and a container's beginning and end.

Both are asked by their command lines. Where they differ, the difference is written here and nowhere else.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from pipeline.errors import BadInput, StepFailed

PODMAN, DOCKER = "podman", "docker"
ENGINES = (PODMAN, DOCKER)
UNKNOWN_IMAGE = ("image not known", "no such image")  # podman's words, docker's words; lower case

# podman alone would hand the machine's proxy variables in, and make more than /tmp writable.
CREATE: Mapping[str, Sequence[str]] = {PODMAN: ("--http-proxy=false", "--read-only-tmpfs=false"), DOCKER: ()}
REMOVE: Mapping[str, Sequence[str]] = {PODMAN: ("--force", "--ignore", "--time", "0"), DOCKER: ("--force",)}


@dataclass(frozen=True)
class Engine:
    """One of ENGINES, by the name of its command. Raises BadInput for another name."""

    name: str

    def __post_init__(self) -> None:
        if self.name not in ENGINES:
            raise BadInput(f"{self.name!r} is no container engine", hint=f"known: {', '.join(ENGINES)}")

    def image_id(self, image: str) -> str:
        """The id of an image that lies in the engine, 64 hex digits.

        Raises BadInput where it does not lie there, and where the engine is not installed or does not answer.
        """
        if shutil.which(self.name) is None:
            raise BadInput(
                f"{self.name} is not installed", hint=f"install {self.name}, or leave --runner out: no container then"
            )
        asked = [self.name, "image", "inspect", "--format", "{{.Id}}", image]
        answer = subprocess.run(asked, capture_output=True, text=True, check=False)
        if answer.returncode == 0:
            return answer.stdout.strip().removeprefix("sha256:")
        if any(words in answer.stderr.lower() for words in UNKNOWN_IMAGE):
            raise BadInput(
                f"there is no image {image} in {self.name}",
                hint="make images-cpu builds them; --images says what they are called, e.g. --images 'asusu-{step}:TAG'",
            )
        raise BadInput(
            f"{self.name} does not answer: {_last_line(answer.stderr)}", hint=f"see whether `{self.name} info` works"
        )

    def create(self, container: str, options: Sequence[str]) -> None:
        """Make a container that is gone with its end; `options` end with image and arguments.

        It is not started yet, so that there is always one to stop: a signal that comes before an engine's `run` has made
        the container ends the command and not the container. Raises StepFailed in the engine's words.
        """
        plain = ["--rm", "--pull=never", "--log-driver=none", *CREATE[self.name], f"--name={container}"]
        try:
            answer = self._undisturbed("create", *plain, *options)
        except BaseException:
            self.remove(container)
            raise
        if answer.returncode:
            raise StepFailed(f"{self.name} could not make the container {container}: {_last_line(answer.stderr)}")

    def start(self, container: str) -> list[str]:
        """The command that runs a container to its end: it prints what that prints, hands signals on to its first
        process, and ends with its exit code."""
        return [self.name, "start", "--attach", container]

    def is_running(self, container: str) -> bool:
        """Does the container run? `start` ends before it where a signal comes too early to be handed on."""
        answer = self._undisturbed("container", "inspect", "--format", "{{.State.Running}}", container)
        return answer.stdout.strip() == "true"

    def remove(self, container: str) -> None:
        """Kill and remove a container; none of that name is well. What hinders it is passed over: where the job still
        counts as running, the next run in the work directory tries again."""
        with contextlib.suppress(OSError):
            self._undisturbed("rm", *REMOVE[self.name], container)

    def _undisturbed(self, *words: str) -> subprocess.CompletedProcess[str]:
        """The engine's answer. An interrupt does not cut the engine short: it comes when the engine has ended."""
        with ThreadPoolExecutor(1) as thread:
            call = partial(
                subprocess.run,
                [self.name, *words],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                start_new_session=True,
                check=False,
            )
            return thread.submit(call).result()

    @property
    def user(self) -> str:
        """Whom a container's programs run as, so that what they write can be read here.

        Root, as at the service, where that is the caller or, in an engine without root, only looks like it. To a docker
        daemon that runs as root it is root: there it is the caller.
        """
        if os.geteuid() == 0 or self.name == PODMAN or self._without_root():
            return "0:0"
        return f"{os.geteuid()}:{os.getegid()}"

    def _without_root(self) -> bool:
        asked = [self.name, "info", "--format", "{{.SecurityOptions}}"]
        try:
            return "name=rootless" in subprocess.run(asked, capture_output=True, text=True, check=False).stdout
        except OSError:
            return False


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1].strip() if lines else "it says nothing"
