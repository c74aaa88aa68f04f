"""Build the images: `make images` for an account or a laptop, `make images-ci` for the tests that run inside them.

Docker builds with `buildx bake`; podman builds the same targets one by one.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Mapping, Sequence

from containers import debian, engine
from containers.bakefile import BAKE_FILE, ROOT, Target, read_bake_file, targets
from containers.bases import read_bases
from containers.locks import TORCH_ON_CPU
from containers.pip_settings import build_flags, pip_settings
from pipeline.checkout import checkout
from pipeline.errors import AsusuError, BadInput

TAG = "dev"


def main(arguments: Sequence[str] | None = None) -> int:
    """Build; exit code 0, also when CI's engine cannot be had and nobody requires it."""
    parser = argparse.ArgumentParser(prog="python -m containers.build", description="Build the step images.")
    parser.add_argument("--cpu", action="store_true", help="torch for a CPU, for runs on this machine")
    parser.add_argument("--ci", action="store_true", help="CPU images by podman on Debian's packages; no registry")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.ci:
            build_in_ci()
        else:
            build(on_cpu=chosen.cpu)
    except engine.Unavailable as error:
        if engine.in_ci():
            raise
        print(f"skipped: {error}")
    return 0


def build(*, on_cpu: bool) -> list[Target]:
    """Build with Docker where it has buildx, else with podman as it is set up on this machine."""
    chosen = values(on_cpu=on_cpu)
    made = targets(read_bake_file(), chosen)
    settings = pip_settings()
    if on_cpu and "find-links" not in settings:
        settings["extra-index-url"] = f"{settings.get('extra-index-url', '')} {TORCH_ON_CPU}".strip()
    engine.PLACE.mkdir(parents=True, exist_ok=True)
    flags = build_flags(settings, engine.PLACE)
    if has_buildx():
        program = "docker"
        _call(bake_command(flags), {**os.environ, **chosen})
    elif shutil.which("podman"):
        program = "podman"
        for target in made:
            _call([program, *build_command(target, flags if not target.bases else [])], os.environ)
    else:
        raise BadInput("neither docker with buildx nor podman is here", hint="install one of them")
    for image, name in names_on_this_machine(made) if on_cpu else ():
        _call([program, "tag", image, name], os.environ)
    return made


def names_on_this_machine(made: Sequence[Target]) -> Iterator[tuple[str, str]]:
    """Each step's image, and the name under which `asusu run --runner` looks for it: a CPU's, so never an account's."""
    return ((target.tags[0], f"local/asusu-{target.name}:latest") for target in made if target.bases)


def build_in_ci() -> None:
    """The CPU images in a store below build/, from Debian's packages. Raises Unavailable before anything is built."""
    began = time.monotonic()
    engine.install()
    engine.configure()
    base = debian.make_base()
    engine.probe(base)
    flags = build_flags(pip_settings(), engine.PLACE)
    print(f"{base} is there after {time.monotonic() - began:.0f} s", flush=True)
    made = targets(read_bake_file(), values(on_cpu=True, base=base))
    for target in made:
        began = time.monotonic()
        engine.podman(*build_command(target, ["--network", "host", *flags] if not target.bases else []))
        print(f"{target.tags[0]} built in {time.monotonic() - began:.0f} s", flush=True)
    for image, name in names_on_this_machine(made):
        engine.podman("tag", image, name)


def bake_command(flags: Sequence[str]) -> list[str]:
    """The command for Docker. Its builder takes secrets, but no folders of this machine."""
    command = ["docker", "buildx", "bake", "--file", str(BAKE_FILE), "--provenance=false", "--load"]
    for flag, value in zip(flags[::2], flags[1::2], strict=True):
        if flag == "--secret":
            command += [f"--set={base}.secrets={value}" for base in ("data", "training")]
    return command


def build_command(target: Target, flags: Sequence[str] = ()) -> list[str]:
    """Arguments of `podman build`. SageMaker takes Docker's manifests, and refuses OCI's in some of its calls."""
    command = ["build", "--quiet", "--format", "docker", "--platform", *target.platforms, *flags]
    command += [f"--build-arg={key}={value}" for key, value in target.args.items()]
    command += [f"--label={key}={value}" for key, value in target.labels.items()]
    return [*command, *(f"--tag={tag}" for tag in target.tags), "--file", target.dockerfile, "."]


def values(*, on_cpu: bool, base: str = "") -> dict[str, str]:
    """The bake file's variables; a CPU's training image stands on plain Python. Raises BadInput for an unnamed base."""
    bases = read_bases()
    data = base or bases.reference("data")
    return {
        "TAG": TAG,
        "REVISION": checkout().code,
        "VERSION": tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"],
        "DATA_BASE": data,
        "TRAINING_BASE": data if on_cpu else bases.reference("training"),
        "TRAINING_LOCK": "training-cpu" if on_cpu else "training-gpu",
    }


def has_buildx() -> bool:
    """Whether docker is here with the plugin that reads bake files."""
    if not shutil.which("docker"):
        return False
    return subprocess.run(["docker", "buildx", "version"], capture_output=True, check=False).returncode == 0


def _call(command: Sequence[str], environment: Mapping[str, str]) -> None:
    if subprocess.run(command, cwd=ROOT, env=dict(environment), check=False).returncode:
        raise AsusuError(f"`{' '.join(command[:3])} ...` failed; its own message is above")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except AsusuError as error:
        print(f"images: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
