from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.errors import BadInput
from pipeline.local.record import Execution, StepRecord, latest, load, save, save_definition

STEPS = (
    StepRecord(
        "Train",
        "Training",
        status="Succeeded",
        attempts=2,
        started=1_763_600_000.123456,
        ended=1_763_600_100.5,
        job_name="pipelines-aaaaaaaaaaaa-Train-2",
        exit_code=0,
        log_folder=Path("/work/jobs/aaaaaaaaaaaa/Train.2"),
        process=(4321, "987654"),
        describe={"ModelArtifacts": {"S3ModelArtifacts": "s3://bucket/ọ"}},
    ),
    StepRecord("Gate", "Condition", status="Succeeded", outcome=True),
    StepRecord("Reject", "Fail"),
)
EXECUTION = Execution(
    "a" * 12, "asusu-igbo", "digest", {"Epochs": 1.0, "Dry": True, "N": 3}, STEPS, started=1_763_600_000.0
)


def test_a_record_is_read_back_as_it_was(tmp_path: Path) -> None:
    save(tmp_path, EXECUTION)
    assert load(tmp_path, "a" * 12) == EXECUTION


def test_times_on_disk_are_iso(tmp_path: Path) -> None:
    save(tmp_path, EXECUTION)
    row = json.loads((tmp_path / "executions" / f"{'a' * 12}.json").read_text())
    assert row["started"] == "2025-11-20T00:53:20+00:00"
    assert row["ended"] is None


def test_the_latest_is_the_one_that_started_last(tmp_path: Path) -> None:
    assert latest(tmp_path) is None
    for number, name in enumerate("cab"):
        save(tmp_path, replace(EXECUTION, execution_id=name * 12, started=EXECUTION.started + number))
        save_definition(tmp_path, name * 12, "{}")
    newest = latest(tmp_path)
    assert newest is not None
    assert newest.execution_id == "b" * 12


def test_an_unknown_execution_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    save(tmp_path, EXECUTION)
    with pytest.raises(BadInput, match=f"no execution 'x' in .*; known: {'a' * 12}"):
        load(tmp_path, "x")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"steps": []}', '{"status": "Lost", "steps": []}'])
def test_a_damaged_record_is_named_with_what_to_do(tmp_path: Path, text: str) -> None:
    save(tmp_path, EXECUTION)
    path = tmp_path / "executions" / f"{'a' * 12}.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=r"a+\.json is damaged") as error:
        latest(tmp_path)
    assert "move it away" in error.value.hint


def test_a_record_with_an_unknown_status_is_damaged(tmp_path: Path) -> None:
    save(tmp_path, EXECUTION)
    path = tmp_path / "executions" / f"{'a' * 12}.json"
    path.write_text(path.read_text().replace('"Succeeded"', '"Lost"'), encoding="utf-8")
    with pytest.raises(BadInput, match="unknown status 'Lost'"):
        load(tmp_path, "a" * 12)


def test_a_step_that_does_not_exist_is_refused() -> None:
    with pytest.raises(BadInput, match="has no step 'Nothing'"):
        EXECUTION.step("Nothing")
