"""What a run left behind is found wherever it lies, the measurements of a canary that refused it too."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.local.record import Execution, StepRecord
from pipeline.local.store import Store
from pipeline.review.files import read_run
from pipeline.review.gather import gather
from steps import contract
from tests.unit.review.conftest import canary


def run_with(*steps: StepRecord) -> Execution:
    return Execution(
        execution_id="a" * 12,
        pipeline_name="asusu-igbo",
        definition_digest="",
        parameters={},
        steps=steps,
        started=0.0,
        status="Failed",
    )


def test_a_canary_that_refused_the_run_still_shows_what_it_measured(tmp_path: Path) -> None:
    contract.save(tmp_path / "job" / "ml" / "model" / contract.CANARY_REPORT, canary("canary-train", 0, 12))
    failed = StepRecord("CanaryTrain", "Training", status="Failed", log_folder=tmp_path / "job")
    run = read_run(gather(run_with(failed), "{}", Store(tmp_path / "s3"), []))
    assert run.canary_train is not None
    assert run.canary_train.tokens_per_second == 2410
    assert "canary_resume" in run.absent


@pytest.mark.parametrize("status", ["Failed", "Pending"])
def test_a_canary_that_measured_nothing_is_said_to_be_missing(tmp_path: Path, status: str) -> None:
    folder = tmp_path / "job" if status == "Failed" else None
    record = StepRecord("CanaryTrain", "Training", status=status, log_folder=folder)  # type: ignore[arg-type]
    run = read_run(gather(run_with(record), "{}", Store(tmp_path / "s3"), []))
    assert run.absent["canary_train"].startswith("There is no canary-train.json")
