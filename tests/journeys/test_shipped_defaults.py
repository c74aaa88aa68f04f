"""What `make run` promises: with what is shipped, the gate passes on merit."""

import pytest

from pipeline.local.store import Store
from pipeline.review.gather import output_address
from steps.contract import EvaluationReport, load
from tests.journeys.conftest import Terminal


@pytest.mark.slow
def test_the_tiny_model_learns_the_phrasebook_well_past_its_base(tmp_path):
    terminal = Terminal(tmp_path / "work")
    result = terminal.run()
    assert result.returncode == 0, result.stdout + result.stderr
    folder = output_address(terminal.last().step("EvaluateModel"), "evaluation")
    report = load(Store(terminal.workdir / "s3").path(folder) / "evaluation.json", EvaluationReport)
    for direction in report.directions:
        assert direction.sentences >= 200
        assert direction.chrf.value >= direction.base_chrf.value + 20
    assert len(terminal.packages()) == 1
