"""`make push-images`: build what has changed, push it, and write the digests that compiling reads.

An image whose inputs have been pushed before is neither built nor pushed: it keeps its digest, and the service its step
cache. Each image gets two tags for people: the sum of its inputs and the commit.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from containers.bakefile import ROOT, Target, read_bake_file, targets
from containers.bases import HOW, read_bases
from containers.build import build, has_buildx, values
from containers.inputs import inputs
from pipeline.aws.images import Login, digest_of, login
from pipeline.checkout import checkout
from pipeline.cli.deployed import Deployed, deployed
from pipeline.errors import AsusuError, BadInput
from pipeline.images import STEPS, ImageLock, Pushed, read_lock, tag_of, write_lock
from pipeline.settings import lock_place

INPUTS_TAG, GIT_TAG = "inputs-", "git-"


class Engine(Protocol):
    """What pushing needs of Docker or podman."""

    def push(self, image: str, addresses: Sequence[str]) -> None:
        """Push a local image under every address."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Push the images of an environment; exit code 0."""
    parser = argparse.ArgumentParser(prog="python -m containers.push", description="Push the step images to ECR.")
    parser.add_argument("--env", default="production", help="environment: a shipped name, or a YAML file")
    parser.add_argument("--account", default="", help="AWS account number; default: that of the credentials")
    chosen = parser.parse_args(arguments)
    place = deployed(chosen.env, chosen.account)
    state = checkout()
    refuse_edited(state.edited)
    account_login = login(place.account)
    with tempfile.TemporaryDirectory() as folder:
        engine = Pusher("docker" if has_buildx() else "podman", account_login, Path(folder))
        lock = push(place, state.code, engine, lambda: build(on_cpu=False))
    path = lock_place(chosen.env)
    write_lock(lock, path)
    print(f"{path} has the digests; commit it, then: asusu plan --env {chosen.env}")
    return 0


def push(place: Deployed, commit: str, engine: Engine, build_all: Callable[[], object]) -> ImageLock:
    """Push what the registry has not; the lock of what is there then. Raises BadInput while a base has no digest."""
    bases = read_bases()
    if unpinned := bases.unpinned():
        raise BadInput(f"the base image of {' and of '.join(unpinned)} has no digest", hint=HOW)
    made: list[Target] = targets(read_bake_file(), values(on_cpu=False))
    tags = {step: inputs(step, made) for step in STEPS}
    repositories = {step: repository_of(getattr(place.settings.images, step)) for step in STEPS}
    ask = {step: (place.account, repositories[step], INPUTS_TAG + tags[step]) for step in STEPS}
    before = {step: digest_of(*ask[step]) for step in STEPS}
    missing = [step for step in STEPS if before[step] is None]
    if missing:
        build_all()
    by_name = {target.name: target for target in made}
    for step in missing:
        names = (INPUTS_TAG + tags[step], GIT_TAG + commit)
        print(f"pushing {step} ({names[0]})", flush=True)
        engine.push(by_name[step].tags[0], [f"{repositories[step]}:{name}" for name in names])
    known = _known(lock_place(place.env))
    found: dict[str, Pushed] = {}
    for step in STEPS:
        digest = before[step] or digest_of(*ask[step])
        if digest is None:
            raise AsusuError(f"{step} was pushed, and the registry does not have it", hint="make push-images again")
        base = bases[by_name[step].bases[0]].digest
        fresh = Pushed(digest=digest, inputs=tags[step], base=base, git=commit)
        old = known.get(step)
        found[step] = old if old and old.model_copy(update={"git": commit}) == fresh else fresh
    return ImageLock.model_validate({step: row.model_dump() for step, row in found.items()})


class Pusher:
    """Docker or podman with a login that lies in a folder of its own and goes with it."""

    def __init__(self, program: str, account_login: Login, folder: Path) -> None:
        self.program = program
        self.environment = {
            **os.environ,
            "DOCKER_CONFIG": str(folder),
            "REGISTRY_AUTH_FILE": str(folder / "auth.json"),
        }
        if program == "docker" and (host := _docker_host()):
            self.environment["DOCKER_HOST"] = host  # the settings that name Docker Desktop's are not in that folder
        command = ["login", "--username", account_login.user, "--password-stdin", account_login.registry]
        self._call(command, account_login.password)

    def push(self, image: str, addresses: Sequence[str]) -> None:
        """Push a local image under every address, with Docker's manifest."""
        manifest = ["--format", "v2s2"] if self.program == "podman" else []
        for address in addresses:
            self._call(["tag", image, address])
            self._call(["push", *manifest, address])

    def _call(self, arguments: Sequence[str], said: str = "") -> None:
        ended = subprocess.run(
            [self.program, *arguments],
            cwd=ROOT, env=self.environment, input=said, text=True, stderr=subprocess.PIPE, check=False,
        )  # fmt: skip
        if ended.returncode:
            what = f"`{self.program} {arguments[0]} {arguments[-1]}`"
            raise AsusuError(f"{what} failed: {ended.stderr.strip()[-1000:]}")


def _docker_host() -> str:
    """Where the Docker of this machine listens, by its current context."""
    command = ["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def refuse_edited(edited: Sequence[str]) -> None:
    """Raises BadInput where what the images are made of is not what is committed: the tag would name another code."""
    rooms = ("steps/", "containers/", "pyproject.toml", ".dockerignore")
    if changed := [path for path in edited if path.startswith(rooms)]:
        raise BadInput(f"not committed: {', '.join(changed[:5])}", hint="commit, then push")


def repository_of(reference: str) -> str:
    """A reference without its digest. Raises BadInput for one with a tag: pushing gives the tags."""
    if tag_of(reference):
        raise BadInput(f"the environment names {reference} with a tag", hint="name the repository alone")
    return reference.partition("@")[0]


def _known(path: Path) -> Mapping[str, Pushed]:
    if not path.is_file():
        return {}
    lock = read_lock(path.read_text(encoding="utf-8"), path.name)
    return {step: lock[step] for step in STEPS}


if __name__ == "__main__":
    try:
        sys.exit(main())
    except AsusuError as error:
        print(f"push-images: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
