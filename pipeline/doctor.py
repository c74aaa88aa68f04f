"""What this machine lacks: each thing with the command that brings it. Nothing is changed, and no account is asked."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from importlib.resources import files
from pathlib import Path

from pipeline import settings
from pipeline.checkout import UNASKED, Checkout, checkout
from pipeline.definition import compile_recipe
from pipeline.errors import BadInput
from pipeline.local.engine import ENGINES
from pipeline.preflight.check import Check
from pipeline.recipes import RECIPES

DISTRIBUTION = "asusu"
PYTHONS = ((3, 11), (3, 13))  # first and last, as pyproject.toml has them
EXTRAS = {"steps": "make run", "report": "make run", "aws": "make aws"}  # what a person needs, and what installs it
REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*==\s*([^;,\s]+)[^;]*;\s*extra\s*==\s*['\"]([^'\"]+)['\"]")
RUN_GB, IMAGES_GB = 3, 20  # a run of the phrasebook takes under one; the training image is large
ENGINE_SECONDS = 20
GIGABYTE = 1e9


def check_machine(workdir: Path) -> Iterator[Check]:
    """A row for each thing, from what every verb needs to what only deploying needs."""
    yield check_python(sys.version_info[:2])
    for extra, command in EXTRAS.items():
        yield check_extra(extra, command)
    yield check_disk(workdir)
    yield check_environments()
    yield from check_compiled()
    yield check_engine()
    yield check_checkout(checkout())
    yield check_aws_command()


def check_python(version: tuple[int, int]) -> Check:
    """The interpreter that runs this."""
    said = f"{version[0]}.{version[1]}"
    if PYTHONS[0] <= version <= PYTHONS[1]:
        return Check("python", "ok", said)
    return Check("python", "refused", f"{said}; 3.11 to 3.13 are tested", "make run PYTHON=python3.12")


def check_extra(extra: str, command: str) -> Check:
    """The libraries of one extra, at the versions that the package names."""
    name = f"libraries: {extra}"
    try:
        stated = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return Check(name, "unknown", f"{DISTRIBUTION} itself is not installed, so nobody says what it needs", command)
    wanted = [found.groups() for row in stated if (found := REQUIREMENT.match(row)) and found[3] == extra]
    problems = [said for library, version, _ in wanted if (said := _differs(library, version))]
    if not wanted:
        return Check(name, "unknown", f"the installed {DISTRIBUTION} has no extra of that name", command)
    if problems:
        return Check(name, "refused", "; ".join(problems), command)
    return Check(name, "ok", f"{len(wanted)}, all as pinned")


def _differs(library: str, version: str) -> str:
    try:
        found = metadata.version(library)
    except metadata.PackageNotFoundError:
        return f"{library} is not installed"
    return "" if found.split("+")[0] == version else f"{library} is {found} instead of {version}"


def check_disk(workdir: Path) -> Check:
    """Free space where runs are written."""
    place = next(folder for folder in (workdir.absolute(), *workdir.absolute().parents) if folder.exists())
    free = shutil.disk_usage(place).free / GIGABYTE
    said = f"{free:,.0f} GB free at {place}"
    if free < RUN_GB:
        return Check(
            "disk", "refused", f"{said}; a run needs {RUN_GB}", "make clean, or give --workdir on another disk"
        )
    if free < IMAGES_GB:
        return Check("disk", "warning", f"{said}; enough to run, not for building images ({IMAGES_GB})")
    return Check("disk", "ok", said)


def check_environments() -> Check:
    """Every shipped environment can be read."""
    problems = []
    for name in settings.environment_names():
        try:
            settings.load(name, {"account": "0" * 12})
        except BadInput as error:
            problems.append(error.message)
    if problems:
        return Check("environments", "refused", "; ".join(problems), "correct the file in pipeline/environments")
    return Check("environments", "ok", ", ".join(settings.environment_names()))


def check_compiled() -> Iterator[Check]:
    """The definitions that the package ships are those that its recipes compile to."""
    for recipe in RECIPES:
        name = f"compiled {recipe}"
        shipped = (files("pipeline") / "compiled" / f"{recipe}.local.json").read_text(encoding="utf-8")
        try:
            fresh = compile_recipe(recipe, settings.load("local"))
        except BadInput as error:
            yield Check(name, "warning", f"could not be compared: {error.message}", error.hint)
            continue
        if fresh == shipped:
            yield Check(name, "ok", "as the recipe compiles")
        else:
            yield Check(name, "refused", "is not what the recipe compiles to", "make compile")


def check_engine() -> Check:
    """docker or podman, answering: for building images and for `run --runner`, and for nothing else."""
    name, what = "container engine", "only building images and `run --runner` need one"
    said = []
    for engine in ENGINES:
        if shutil.which(engine) is None:
            continue
        try:
            answer = subprocess.run([engine, "info"], capture_output=True, timeout=ENGINE_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired):
            said.append(f"{engine} does not answer")
            continue
        if answer.returncode == 0:
            return Check(name, "ok", engine)
        said.append(f"{engine} does not answer")
    if said:
        return Check(name, "warning", f"{', '.join(said)}; {what}", "start it, and see `docker info` or `podman info`")
    return Check(name, "warning", f"neither {' nor '.join(ENGINES)} is installed; {what}", "install one of them")


def check_checkout(found: Checkout) -> Check:
    """Whether the code is that of a commit; `upsert` refuses it otherwise."""
    if UNASKED in found.edited:
        return Check("code", "unknown", "git cannot tell whether it was changed", "see `git status`")
    if found.dirty:
        some = ", ".join(found.edited[:3]) + (" ..." if len(found.edited) > 3 else "")
        detail = f"{len(found.edited)} files are not committed: {some}; `asusu upsert` refuses that"
        return Check("code", "warning", detail, "git commit")
    return Check("code", "ok", found.code[:12])


def check_aws_command() -> Check:
    """The AWS command line, which deploys the infrastructure."""
    if shutil.which("aws"):
        return Check("aws command", "ok", "there")
    return Check("aws command", "warning", "not installed; only `make infra` needs it", "https://aws.amazon.com/cli/")
