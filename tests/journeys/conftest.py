"""A person at a terminal: `asusu` in a process of its own, on a small corpus and a briefly trained tiny base model."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.local.record import Execution, latest
from pipeline.local.registry import Registry
from pipeline.review.gather import output_address
from pipeline.staging.base_model import stage_base_model
from pipeline.staging.phrasebook import corpus

SMALL = {  # a minute instead of five: fewer pairs, a weaker base, fewer steps
    "MaxSteps": "350",
    "Epochs": "100",
    "TokensPerStep": "1024",
    "MaxValidationLoss": "4.0",
    "MaxBrokenShare": "1.0",  # such a weak model loops
}
ROWS = 1500
HELD_OUT = range(70, ROWS, 180)  # rows of the corpus that an evaluation set of others holds too
BASE_STEPS = 40


@dataclass(frozen=True)
class Terminal:
    """Runs `asusu` in a work directory."""

    workdir: Path

    def command(self, *arguments: str) -> list[str]:
        code = "import sys; from pipeline.cli.main import main; main()"
        return [sys.executable, "-c", code, *arguments]

    def environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(Path.cwd()), "COLUMNS": "200"}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`asusu run --local` with more arguments."""
        return self.call("run", "--local", "--workdir", str(self.workdir), *arguments)

    def call(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """`asusu` with these arguments."""
        return subprocess.run(
            self.command(*arguments),
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )

    def last(self) -> Execution:
        execution = latest(self.workdir)
        assert execution is not None
        return execution

    def packages(self) -> list[dict[str, object]]:
        return Registry(self.workdir / "registry").packages("asusu-igbo")


def params(values: dict[str, str]) -> list[str]:
    return [item for name, value in values.items() for item in ("--param", f"{name}={value}")]


@pytest.fixture(scope="session")
def small_corpus(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "phrases.tsv"
    lines = ["id\ten\tig", *("\t".join(row) for row in list(corpus())[:ROWS])]
    path.write_bytes(("\n".join(lines) + "\n").encode("utf-8"))
    return path


@pytest.fixture(scope="session")
def evaluation_set(tmp_path_factory, small_corpus) -> Path:
    """A few pairs of the corpus as a file of their own."""
    path = tmp_path_factory.mktemp("evaluation-set") / "textbook.tsv"
    header, *rows = small_corpus.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([header, *(rows[place] for place in HELD_OUT)]) + "\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def small_base(tmp_path_factory) -> Path:
    into = tmp_path_factory.mktemp("base-models")
    manifest = stage_base_model("tiny", into, steps=BASE_STEPS)
    return into / manifest.fingerprint


@dataclass(frozen=True)
class Story:
    """A finished first run that other journeys start from."""

    terminal: Terminal
    first: subprocess.CompletedProcess[str]
    arguments: Sequence[str]

    def copy_to(self, workdir: Path) -> Terminal:
        """The same work directory, to go on from without touching the original."""
        shutil.copytree(self.terminal.workdir, workdir)
        return Terminal(workdir)


@pytest.fixture(scope="session")
def starting_point(small_base, small_corpus):
    """Lays out a fresh work directory with the base model staged; returns the arguments of a run in it."""

    def lay_out(workdir: Path) -> tuple[Terminal, list[str]]:
        staged = workdir / "s3" / "asusu-local" / "base-models" / small_base.name
        shutil.copytree(small_base, staged)
        address = f"s3://asusu-local/base-models/{small_base.name}"
        return Terminal(workdir), ["--corpus", str(small_corpus), *params({**SMALL, "BaseModelUri": address})]

    return lay_out


@pytest.fixture(scope="session")
def story(starting_point, evaluation_set, tmp_path_factory) -> Story:
    """The first run, to its end, with an evaluation set beside its corpus."""
    terminal, arguments = starting_point(tmp_path_factory.mktemp("journey") / "work")
    arguments += ["--benchmark", str(evaluation_set)]
    return Story(terminal, terminal.run(*arguments), arguments)


def artefact(terminal: Terminal, step: str) -> Path:
    """A training step's model.tar.gz."""
    uri = terminal.last().step(step).describe["ModelArtifacts"]["S3ModelArtifacts"]
    return terminal.workdir / "s3" / uri.removeprefix("s3://")


def output(terminal: Terminal, step: str, name: str) -> Path:
    """The folder of an output of a processing step."""
    return terminal.workdir / "s3" / output_address(terminal.last().step(step), name).removeprefix("s3://")


def read_json(path: Path) -> dict[str, object]:
    return json.loads(path.read_text(encoding="utf-8"))
