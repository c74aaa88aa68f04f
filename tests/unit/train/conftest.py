"""Token shards and a training job's folders, made by the real TokenizeExamples step."""

from __future__ import annotations

import json
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.drill.tiny import HYPERPARAMETERS, make_tokens


@pytest.fixture(scope="session")
def tokens(base_model, tmp_path_factory):
    """The `tokens` output of TokenizeExamples: 20 optimiser steps of one pack of 64 tokens."""
    return make_tokens(base_model, tmp_path_factory.mktemp("tokens"))


@dataclass(frozen=True)
class TrainingJob:
    """One training job's folders, laid out as the platform does."""

    root: Path

    @property
    def checkpoints(self) -> Path:
        return self.root / "checkpoints"

    @property
    def model(self) -> Path:
        return self.root / "model"

    def channel(self, name: str) -> Path:
        """A channel's folder, created empty."""
        folder = self.root / "input" / "data" / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder


@pytest.fixture(autouse=True)
def signals_as_before():
    """A job takes SIGTERM over for its process, which here is the test run's."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.fixture
def training_job(base_model, tokens, tmp_path, monkeypatch):
    """Makes a job with changed hyperparameters and points SAGEMAKER_BASE_DIR at it."""

    def make(name="job", **changes):
        job = TrainingJob(tmp_path / name)
        (job.root / "input" / "config").mkdir(parents=True)
        text = json.dumps(HYPERPARAMETERS | changes)
        (job.root / "input" / "config" / "hyperparameters.json").write_text(text)
        shutil.copytree(base_model, job.channel("model"), dirs_exist_ok=True)
        shutil.copytree(tokens, job.channel("tokens"), dirs_exist_ok=True)
        (job.channel("resume") / "none.json").write_text("{}")
        monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(job.root))
        return job

    return make
