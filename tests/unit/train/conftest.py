"""Token shards and a training job's folders, made by the real TokenizeExamples step."""

from __future__ import annotations

import json
import os
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from steps.contract import MANIFEST
from tests.conftest import SENTENCES

HYPERPARAMETERS = {
    "LearningRate": "0.01",
    "LoraRank": "4",
    "LoraTargets": "all-linear",
    "MaxTrainingHours": "1",
    "MaxCostUsd": "10",
    "Seed": "3",
    "TrainingInstanceType": "ml.g5.xlarge",
    "mode": "train",
    "canary_steps": "6",
    "save_total_limit": "null",
    "max_runtime_seconds": "432000",
}


@pytest.fixture(scope="session")
def tokens(base_model, tmp_path_factory):
    """The `tokens` output of TokenizeExamples: 20 optimiser steps of one pack of 64 tokens."""
    from steps.tokenize.__main__ import main

    root = tmp_path_factory.mktemp("tokens")
    inputs = root / "processing" / "input"
    (inputs / "splits").mkdir(parents=True)
    for split in ("train", "validation"):
        columns = {"id": [str(i) for i in range(len(SENTENCES))]}
        columns |= {"en": [pair[0] for pair in SENTENCES], "ig": [pair[1] for pair in SENTENCES]}
        pq.write_table(pa.table(columns), inputs / "splits" / f"{split}.parquet")
    shutil.copytree(base_model / "tokenizer", inputs / "tokenizer")
    (inputs / "base-model-manifest").mkdir()
    shutil.copy(base_model / MANIFEST, inputs / "base-model-manifest")
    settings = {
        "SAGEMAKER_BASE_DIR": str(root),
        "SourceLanguage": "en",
        "TargetLanguage": "ig",
        "MaxLength": "64",
        "PackLength": "64",
        "TokensPerStep": "128",
        "Epochs": "100",
        "MaxSteps": "20",
        "TrainingInstanceType": "ml.g5.xlarge",
        "LoraRank": "4",
        "LoraTargets": "all-linear",
        "MaxTrainingHours": "1",
        "MaxCostUsd": "10",
    }
    before = os.environ.copy()
    os.environ.update(settings)
    try:
        main()
    finally:
        os.environ.clear()
        os.environ.update(before)
    return root / "processing" / "output" / "tokens"


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
