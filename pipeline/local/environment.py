"""What a job's process is started with: its command line and its environment variables.

A container inherits nothing from the machine it runs on, so neither does a job, except what the interpreter needs to
work here (PATH), the language, the folder for temporary files and limits on threads.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from pipeline.errors import BadInput

JobKind = Literal["Processing", "Training"]
CommandFor = Callable[[str, JobKind], list[str]]

IMAGE_PREFIX = "asusu-"
STEPS_PACKAGE = "steps"
THREADS = (
    "OMP_NUM_THREADS",
    "OMP_WAIT_POLICY",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "RAYON_NUM_THREADS",
    "POLARS_MAX_THREADS",
)
INHERITED = ("PATH", "LANG", "LANGUAGE", "TZ", "TMPDIR", *THREADS, "CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH")


def command_for(image: str, kind: JobKind) -> list[str]:
    """The entry point of an image: `asusu-<step>`, whatever its registry, tag or digest, runs `python -m steps.<step>`.

    Raises BadInput for any other image.
    """
    name = repository(image)
    step = name.removeprefix(IMAGE_PREFIX).replace("-", "_")
    package = steps_folder() / step
    if not name.startswith(IMAGE_PREFIX) or not (package / "__main__.py").is_file():
        known = sorted(path.parent.name for path in steps_folder().glob("*/__main__.py"))
        raise BadInput(
            f"{kind} image {image!r} has no program on this machine; known: "
            + ", ".join(IMAGE_PREFIX + name for name in known),
            hint=f"name the image {IMAGE_PREFIX}<step>, or give the step a ContainerEntrypoint",
        )
    return [sys.executable, "-m", f"{STEPS_PACKAGE}.{step}"]


def repository(image: str) -> str:
    """The last part of an image's name, without tag and digest."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]


def entry_point(application: Mapping[str, Sequence[str]], kind: JobKind) -> tuple[list[str], list[str]]:
    """Entry point and arguments of a job, put together as the service does with Docker.

    ContainerEntrypoint replaces the image's entry point, which is empty here for the image's own, and
    ContainerArguments its arguments; without either, a training image gets the one argument `train`.
    """
    entrypoint = list(application.get("ContainerEntrypoint") or ())
    arguments = list(application.get("ContainerArguments") or ())
    if not entrypoint and kind == "Training":
        arguments = arguments or ["train"]
    return entrypoint, arguments


def command_line(
    application: Mapping[str, Sequence[str]], kind: JobKind, image: str, commands: CommandFor
) -> list[str]:
    """The whole command of a job without a container. `python` stands for the interpreter that runs this."""
    entrypoint, arguments = entry_point(application, kind)
    entrypoint = entrypoint or commands(image, kind)
    if entrypoint[0] in ("python", "python3"):
        entrypoint[0] = sys.executable
    return [*entrypoint, *arguments]


def threads() -> dict[str, str]:
    """The limits on threads that this process was given."""
    return {name: os.environ[name] for name in THREADS if name in os.environ}


def variables(request_environment: Mapping[str, str], base_dir: Path, home: Path) -> dict[str, str]:
    """The environment of a job: what it inherits, what the platform sets, and the request's own on top.

    `home` is empty and the job's own: caches of the user or of an earlier job are not seen, as in a container.
    """
    inherited = {name: value for name, value in os.environ.items() if name in INHERITED or name.startswith("LC_")}
    platform = {
        "HOME": str(home),
        "PYTHONPATH": str(steps_folder().parent),
        "PYTHONUNBUFFERED": "1",
        "HF_HUB_OFFLINE": "1",
        "SAGEMAKER_BASE_DIR": str(base_dir),
    }
    return {**inherited, **request_environment, **platform}


def steps_folder() -> Path:
    """Where the package of step programs lies; found without importing it."""
    spec = importlib.util.find_spec(STEPS_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise BadInput(
            f"the package {STEPS_PACKAGE!r} is not installed next to this one",
            hint="install the whole distribution: pip install asusu",
        )
    return Path(spec.submodule_search_locations[0])
