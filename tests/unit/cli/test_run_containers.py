"""The options of `asusu run` that are for containers: refused before anything is built, staged or written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipeline.cli.containers import Runner, launcher
from pipeline.cli.main import app
from pipeline.cli.outcome import next_command
from pipeline.errors import BadInput
from pipeline.local.containers import Containers
from pipeline.local.launch import Processes
from pipeline.local.record import Execution, StepRecord


def test_jobs_are_processes_unless_an_engine_is_named() -> None:
    assert launcher(Runner.PROCESS, "", "", "") == Processes()
    assert launcher(Runner.DOCKER, "a/{step}", "0", "4g") == Containers("docker", "a/{step}", "0", "4g")


@pytest.mark.parametrize(
    "option", [["--images", "a/{step}"], ["--container-user", "12345"], ["--container-memory", "4g"]]
)
def test_a_containers_option_without_a_container_is_refused(tmp_path: Path, option: list[str]) -> None:
    ended = CliRunner().invoke(app, ["run", "--local", "--workdir", str(tmp_path / "work"), *option])
    assert isinstance(ended.exception, BadInput)
    assert f"{option[0]} is for containers" in ended.exception.message
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize("engine", ["podman", "docker"])
def test_a_missing_engine_is_refused_before_the_base_model_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    ended = CliRunner().invoke(app, ["run", "--local", "--workdir", str(tmp_path / "work"), "--runner", engine])
    assert isinstance(ended.exception, BadInput)
    assert f"step Preflight: {engine} is not installed" in ended.exception.message
    assert not (tmp_path / "work").exists()


def test_another_runner_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    ended = CliRunner().invoke(app, ["run", "--local", "--runner", "kubectl"])
    assert ended.exit_code == 2
    assert "podman" in ended.output


def test_what_to_type_next_names_the_engine_of_an_unfinished_run() -> None:
    step = StepRecord("TrainLora", "Training", status="Stopped")
    execution = Execution("a" * 12, "asusu-igbo", "", {}, (step,), started=0.0, status="Stopped")
    assert next_command(execution, Path("work")).endswith("run --local --resume")
    contained = execution.with_step(replace(step, engine="podman"))
    assert next_command(contained, Path("work")).endswith("run --local --runner podman --resume")
