"""The whole pipeline inside the images: as root, as any user, stopped in the middle; and the same weights as without.

One small corpus and one briefly trained base model; three work directories: without containers, in containers as root,
and in containers as a user that nobody knows, stopped while it trains and gone on with.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tarfile
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from safetensors.torch import load

from pipeline.staging.base_model import stage_base_model
from pipeline.staging.phrasebook import corpus
from tests.containers.runner_bench import ENGINE, IMAGES, containers, need
from tests.journeys.conftest import Terminal, artefact, params

pytestmark = pytest.mark.containers

STEPS = ("preflight", "prepare", "tokenize", "train", "evaluate")
ROWS = 700
BASE_STEPS = 30
SMALL = {  # the least that is better than such a base model by more than the gate's margin
    "MaxSteps": "150",
    "Epochs": "100",
    "TokensPerStep": "1024",
    "MaxValidationLoss": "5.0",
    "MaxBrokenShare": "1.0",
}
STOP_AT = 40
RUNNER = ["--runner", ENGINE, *(["--images", IMAGES] if IMAGES else [])]


@dataclass(frozen=True)
class Beginning:
    """A corpus and a base model, laid out in as many work directories as wanted."""

    folder: Path
    corpus: Path
    base: Path

    def terminal(self, name: str) -> Terminal:
        workdir = self.folder / name
        shutil.copytree(self.base, workdir / "s3/asusu-local/base-models" / self.base.name)
        return Terminal(workdir)

    @property
    def arguments(self) -> list[str]:
        address = f"s3://asusu-local/base-models/{self.base.name}"
        return ["--corpus", str(self.corpus), *params({**SMALL, "BaseModelUri": address})]


@pytest.fixture(scope="module")
def beginning(tmp_path_factory: pytest.TempPathFactory) -> Beginning:
    need(*STEPS)
    folder = tmp_path_factory.mktemp("containers")
    lines = ["id\ten\tig", *("\t".join(row) for row in list(corpus())[:ROWS])]
    (folder / "phrases.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    manifest = stage_base_model("tiny", folder / "base", steps=BASE_STEPS)
    return Beginning(folder, folder / "phrases.tsv", folder / "base" / manifest.fingerprint)


@pytest.fixture(scope="module")
def without(beginning: Beginning) -> Terminal:
    """The run without containers."""
    terminal = beginning.terminal("process")
    ended = terminal.run(*beginning.arguments)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return terminal


def adapter(terminal: Terminal) -> dict[str, object]:
    with tarfile.open(artefact(terminal, "TrainLora")) as tar:
        return dict(load(tar.extractfile("adapter/adapter_model.safetensors").read()))  # type: ignore[union-attr]


def training_report(terminal: Terminal) -> dict[str, object]:
    with tarfile.open(artefact(terminal, "TrainLora")) as tar:
        return dict(json.loads(tar.extractfile("training.json").read()))  # type: ignore[union-attr]


def assert_registered_with_the_weights_of(terminal: Terminal, other: Terminal) -> None:
    execution = terminal.last()
    assert execution.status == "Succeeded"
    assert {step.engine for step in execution.steps if step.type in ("Processing", "Training")} == {ENGINE}
    (package,) = terminal.packages()
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    ours, theirs = adapter(terminal), adapter(other)
    assert ours.keys() == theirs.keys()
    assert all(ours[name].equal(theirs[name]) for name in theirs)  # type: ignore[attr-defined]
    assert containers(execution.execution_id) == []


def test_the_whole_pipeline_runs_in_containers_as_root_to_the_same_weights(
    beginning: Beginning, without: Terminal
) -> None:
    terminal = beginning.terminal("root")
    ended = terminal.run(*RUNNER, *beginning.arguments)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert_registered_with_the_weights_of(terminal, without)
    again = terminal.run(*RUNNER, *beginning.arguments)
    assert again.returncode == 0
    assert all(step.reused for step in terminal.last().steps if step.type in ("Processing", "Training"))


def test_as_any_user_it_seals_a_checkpoint_at_sigterm_and_goes_on_to_the_same_weights(
    beginning: Beginning, without: Terminal
) -> None:
    terminal = beginning.terminal("any-user")
    options = [*RUNNER, *(["--container-user", "12345"] if os.geteuid() == 0 else [])]
    command = terminal.command("run", "--local", "--workdir", str(terminal.workdir), *options, *beginning.arguments)
    with subprocess.Popen(
        command, env=terminal.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as runner:
        wait_for_training(terminal, runner)
        runner.send_signal(signal.SIGTERM)
        said, _ = runner.communicate(timeout=300)
    stopped = terminal.last()
    assert runner.returncode == 1, said
    assert (stopped.status, stopped.step("TrainLora").status) == ("Stopped", "Stopped")
    assert f"--runner {ENGINE} --resume" in said
    assert containers(stopped.execution_id) == []
    sealed = terminal.workdir.glob(f"s3/asusu-local/checkpoints/{stopped.execution_id}/checkpoint-*/seal.json")
    assert max(int(path.parent.name.removeprefix("checkpoint-")) for path in sealed) >= STOP_AT
    resumed = terminal.run(*options, "--resume")
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert terminal.last().execution_id == stopped.execution_id
    report = training_report(terminal)
    assert report["resumed_from"] >= STOP_AT  # type: ignore[operator]
    assert report["steps"] == training_report(without)["steps"]
    assert_registered_with_the_weights_of(terminal, without)


def wait_for_training(terminal: Terminal, runner: subprocess.Popen[str]) -> None:
    """Until TrainLora has logged the step to stop at."""
    sign = f'"event": "train", "step": {STOP_AT},'
    deadline = time.monotonic() + 900
    while not any(sign in log.read_text() for log in (terminal.workdir / "jobs").glob("*/TrainLora/stdout.log")):
        assert runner.poll() is None, runner.communicate()[0]
        assert time.monotonic() < deadline, "TrainLora did not get that far"
        time.sleep(0.1)
