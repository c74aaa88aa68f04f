"""Speed and memory over a run are drawn where they were recorded, and said to be missing where they were not."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.review.files import RunFiles
from pipeline.review.report import render
from pipeline.review.training_charts import peak_memory, speed
from steps import contract
from tests.unit.review.conftest import Page, training


def rendered(files: RunFiles, folder: Path) -> Page:
    render(files, folder / "page" / "report.html")
    return Page((folder / "page" / "report.html").read_text(encoding="utf-8"))


def test_speed_and_memory_stand_beside_the_learning_rate(files: RunFiles, tmp_path: Path) -> None:
    page = rendered(files, tmp_path)
    assert "Learning rate" in page.text
    assert page.text.index("Speed") < page.text.index("Memory of the GPU")
    for name in ("tokens per second", "median 2,344", "GiB, peak so far", "may be used 21.3"):
        assert f">{name}</text>" in page.source


def test_a_run_on_a_cpu_has_the_memory_of_its_process_and_no_limit() -> None:
    picture = peak_memory(training(), None)
    assert "may be used" not in picture
    assert ">GiB, peak so far</text>" in picture


def test_a_report_of_before_speed_was_kept_says_so_instead_of_an_empty_picture(
    files: RunFiles, gathered: Path, tmp_path: Path
) -> None:
    old = training().model_dump(mode="json")
    del old["pace_curve"]
    contract.save(gathered / contract.TRAINING_REPORT, contract.TrainingReport.model_validate(old))
    page = rendered(files, tmp_path)
    assert "Speed and memory over the run were not recorded" in page.text
    assert "Memory of the GPU Peak" not in page.text
    assert page.elements["svg"] == 7


@pytest.mark.parametrize("points", [0, 1, 1002])
def test_any_number_of_points_makes_a_picture(points: int) -> None:
    curve = [contract.PacePoint(step=step + 1, tokens_per_second=9.5, memory_gib=0.25) for step in range(points)]
    report = training().model_copy(update={"pace_curve": curve})
    for picture in (speed(report), peak_memory(report, 21.3)):
        assert picture.startswith("<svg")
        assert len(picture) < 100_000
