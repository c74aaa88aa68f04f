"""What tests of jobs in real containers share: the engine with the images, and tiny programs that run in one of them.

`make images-ci` sets the variables that lead podman to its store. ASUSU_ENGINE names another engine, ASUSU_IMAGES says
what the images are called, as `--images`. Where engine or image are missing a test is skipped with the reason; with CI
set it fails.
"""

from __future__ import annotations

import os
import subprocess
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from containers.engine import in_ci
from pipeline.errors import BadInput
from pipeline.local.containers import Containers
from pipeline.local.engine import PODMAN
from pipeline.local.record import Execution
from pipeline.local.runner import Options, run
from pipeline.local.store import Store
from tests.unit.local.pipelines import BUCKET, Json, processing, training

ENGINE = os.environ.get("ASUSU_ENGINE", PODMAN)
IMAGES = os.environ.get("ASUSU_IMAGES", "")
IMAGE = "local/asusu-preflight"  # the lightest; a toy needs no more than its Python
QUICK = Options(grace_seconds=60, sync_seconds=0.1)


def launcher(**changes: Any) -> Containers:
    return Containers(ENGINE, **{"images": IMAGES, **changes})


def need(*steps: str) -> None:
    """Skip, or with CI set fail, where the engine or a step's image is missing."""
    try:
        for step in steps:
            launcher().check("Processing", f"local/asusu-{step}", {})
    except BadInput as error:
        if in_ci():
            pytest.fail(str(error))
        pytest.skip(str(error))


def containers(name: str = "") -> list[str]:
    """Names of the engine's containers, running or not, that have this in their name."""
    command = [ENGINE, "ps", "--all", "--filter", f"name={name}", "--format", "{{.Names}}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()


@contextmanager
def image_with(line: str, folder: Path) -> Iterator[str]:
    """An image that differs from IMAGE by one line of a Dockerfile; gives what `--images` would say."""
    (folder / "Dockerfile").write_text(
        f"FROM {(IMAGES or 'local/asusu-{step}').replace('{step}', 'preflight')}\n{line}\n", encoding="utf-8"
    )
    name = "localhost/changed-preflight:1"
    subprocess.run([ENGINE, "build", "-q", "-t", name, str(folder)], check=True, capture_output=True)
    try:
        yield name.replace("preflight", "{step}")
    finally:
        subprocess.run([ENGINE, "rmi", name], check=True, capture_output=True)


@dataclass
class ContainerBench:
    """A work directory, and toy programs that reach their container as an input."""

    workdir: Path
    lines: list[str] = field(default_factory=list)

    @property
    def store(self) -> Store:
        return Store(self.workdir / "s3")

    def on_step(self, record: object) -> None:
        """The listener's; records are read from the execution."""

    def on_line(self, step: str, text: str) -> None:
        self.lines.append(text)

    def put(self, name: str, code: str) -> str:
        """The address of a program's folder in the store."""
        path = self.workdir.with_name(f"{name}.py")
        path.write_text(
            "import json, os, pathlib, signal, sys, time\nbase = pathlib.Path('/opt/ml')\n" + textwrap.dedent(code),
            encoding="utf-8",
        )
        self.store.put(path, f"{BUCKET}/code/{name}/job.py")
        return f"{BUCKET}/code/{name}"

    def processing(self, name: str, code: str, **arguments: Any) -> Json:
        entry = ["python", "/opt/ml/processing/input/code/job.py"]
        application = {"ImageUri": IMAGE, "ContainerEntrypoint": entry}
        inputs = {"code": self.put(name, code)}
        return processing(name, Path(entry[1]), inputs, arguments={"AppSpecification": application, **arguments})

    def training(self, name: str, code: str, **arguments: Any) -> Json:
        entry = ["python", "/opt/ml/input/data/code/job.py"]
        algorithm = {"TrainingImage": IMAGE, "TrainingInputMode": "File", "ContainerEntrypoint": entry}
        channels = {"code": self.put(name, code)}
        return training(name, Path(entry[1]), channels, arguments={"AlgorithmSpecification": algorithm, **arguments})

    def run(self, text: str, given: Mapping[str, Any] | None = None, **options: Any) -> Execution:
        """Run a definition in containers; `given` are fields of the launcher."""
        starter = options.pop("launcher", None) or launcher(**(given or {}))
        return run(text, {}, self.workdir, options=replace(QUICK, launcher=starter, **options), listener=self)
