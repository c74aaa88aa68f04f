"""Reports are read into types; what is missing or malformed becomes a sentence and never an exception."""

from __future__ import annotations

import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.review.files import CANARY_RESUME, CANARY_TRAIN, RunFiles, read_run
from steps import contract

FILES = {
    contract.PREFLIGHT_REPORT: ("preflight", "Preflight"),
    contract.DATA_REPORT: ("data", "PrepareCorpus"),
    contract.PLAN: ("plan", "TokenizeExamples"),
    CANARY_TRAIN: ("canary_train", "CanaryTrain"),
    CANARY_RESUME: ("canary_resume", "CanaryResume"),
    contract.TRAINING_REPORT: ("training", "TrainLora"),
    contract.EVALUATION_REPORT: ("evaluation", "EvaluateModel"),
    contract.SAMPLES: ("samples", "EvaluateModel"),
}


def test_a_whole_run_lacks_nothing(files: RunFiles) -> None:
    run = read_run(files)
    assert run.absent == {}
    assert all(getattr(run, field) is not None for field, _ in FILES.values())


@pytest.mark.parametrize("name", FILES)
def test_a_missing_report_is_said_with_the_step_that_should_have_written_it(
    files: RunFiles, gathered: Path, name: str
) -> None:
    (gathered / name).unlink()
    field, step = FILES[name]
    run = read_run(files)
    assert run.absent == {field: f"There is no {name}: the run ended before {step} wrote it."}
    assert getattr(run, field) is None


@pytest.mark.parametrize("content", [b"{}", b'{"loss": NaN', b"\xff\xfe", b""])
@pytest.mark.parametrize("name", FILES)
def test_a_malformed_report_is_said_with_the_reason(files: RunFiles, gathered: Path, name: str, content: bytes) -> None:
    (gathered / name).write_bytes(content)
    field, step = FILES[name]
    run = read_run(files)
    assert list(run.absent) == [field]
    assert run.absent[field].startswith(f"{name} of {step} cannot be read: ")


def archived(gathered: Path, name: str, member: str) -> Path:
    """A training job's model.tar.gz with the report in it."""
    path = gathered / f"{name}.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(gathered / name, arcname=member)
    return path


@pytest.mark.parametrize("prefix", ["", "./"])
def test_reports_of_training_jobs_are_read_out_of_their_archive(files: RunFiles, gathered: Path, prefix: str) -> None:
    run = read_run(
        replace(
            files,
            canary_train=archived(gathered, CANARY_TRAIN, prefix + contract.CANARY_REPORT),
            canary_resume=archived(gathered, CANARY_RESUME, prefix + contract.CANARY_REPORT),
            training=archived(gathered, contract.TRAINING_REPORT, prefix + contract.TRAINING_REPORT),
        )
    )
    assert run == read_run(files)


def test_an_archive_without_the_report_or_cut_short_is_said(files: RunFiles, gathered: Path) -> None:
    empty = archived(gathered, contract.TRAINING_REPORT, "other.json")
    assert list(read_run(replace(files, training=empty)).absent) == ["training"]

    whole = archived(gathered, contract.TRAINING_REPORT, contract.TRAINING_REPORT)
    whole.write_bytes(whole.read_bytes()[:-60])
    assert "cannot be read" in read_run(replace(files, training=whole)).absent["training"]
