"""A report that does not say what it must is refused where it is read, by name, and never taken for a score."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from steps import contract
from steps.job import Refused
from tests.unit.review import conftest as reports


def written(folder: Path, report: dict[str, Any]) -> Path:
    path = folder / contract.EVALUATION_REPORT
    path.write_text(json.dumps(report), encoding="utf-8")
    return path


@pytest.fixture
def report() -> dict[str, Any]:
    return reports.evaluation().model_dump(mode="json")


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize(
    "place",
    [
        ("metrics", "validation_loss", "value"),
        ("directions", 0, "chrf", "value"),
        ("directions", 1, "validation_loss"),
        ("differences", 0, "p"),
        ("gate", "rules", 0, "value"),
        ("cost", "usd"),
    ],
)
def test_a_report_with_a_number_that_is_none_is_refused_with_its_place(
    report: dict[str, Any], tmp_path: Path, place: tuple[str | int, ...], number: float
) -> None:
    inner: Any = report
    for key in place[:-1]:
        inner = inner[key]
    assert isinstance(inner[place[-1]], float)
    inner[place[-1]] = number
    with pytest.raises(Refused, match=rf"evaluation\.json is not a valid EvaluationReport: .*{place[-1]}"):
        contract.load(written(tmp_path, report), contract.EvaluationReport)


@pytest.mark.parametrize("metrics", [{}, {"validation_loss": {}}, {"chrf_forward": {"value": 60.0}}])
def test_a_report_without_the_metric_that_decides_is_refused(
    report: dict[str, Any], tmp_path: Path, metrics: dict[str, Any]
) -> None:
    with pytest.raises(Refused, match="validation_loss.value is missing, which the Condition reads"):
        contract.load(written(tmp_path, report | {"metrics": metrics}), contract.EvaluationReport)


@pytest.mark.parametrize("field", ["metrics", "gate", "directions", "champion", "registry"])
def test_a_report_without_a_part_is_refused_by_its_name(report: dict[str, Any], tmp_path: Path, field: str) -> None:
    del report[field]
    with pytest.raises(Refused, match=f"{field}: Field required"):
        contract.load(written(tmp_path, report), contract.EvaluationReport)


def test_a_verdict_of_another_word_is_refused(report: dict[str, Any], tmp_path: Path) -> None:
    report["gate"]["verdict"] = "maybe"
    with pytest.raises(Refused, match=r"gate\.verdict: Input should be 'passed' or 'refused'"):
        contract.load(written(tmp_path, report), contract.EvaluationReport)
