"""Time and money of a run, from a definition alone."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.definition import read
from pipeline.estimate import MISTRAL_7B
from pipeline.plan.cost import Unknown, Work, ceiling, training
from tests.unit.plan.editing import argument, default, plain

WORK = Work(100_000, 97, MISTRAL_7B)


def test_more_epochs_cost_more_in_proportion(deployed_text: str) -> None:
    once = training(read(deployed_text), {}, WORK).time
    thrice = training(plain(deployed_text, default("Epochs", 3.0)), {}, WORK).time
    assert thrice.usd_expected == pytest.approx(3 * once.usd_expected, rel=0.01)


def test_a_value_given_at_the_start_counts_and_not_the_default(deployed_text: str) -> None:
    given = training(read(deployed_text), {"Epochs": "3"}, WORK).time
    assert given.hours_expected == training(plain(deployed_text, default("Epochs", 3.0)), {}, WORK).time.hours_expected


def test_a_plan_that_the_new_limit_would_end_is_told(deployed_text: str) -> None:
    assert not training(read(deployed_text), {}, WORK).problems
    short = plain(deployed_text, argument("TrainLora", "StoppingCondition", "MaxRuntimeInSeconds", value=3600))
    assert "platform ends the job" in training(short, {}, WORK).problems[0]


def test_the_ceiling_is_the_sum_of_the_limits_and_names_machines_without_a_price(deployed_text: str) -> None:
    found = ceiling(read(deployed_text), {})
    less = ceiling(read(deployed_text), {"MaxTrainingHours": "4"})
    assert found.hours - less.hours == pytest.approx(20)
    assert found.usd - less.usd == pytest.approx(20 * 1.408)
    assert found.unpriced == ("ml.m5.xlarge",)


def test_a_definition_without_the_training_has_no_estimate(deployed_text: str) -> None:
    def edit(raw: dict[str, Any]) -> None:
        raw["Steps"] = [row for row in raw["Steps"] if row["Name"] != "TrainLora"]

    with pytest.raises(Unknown, match="no training step"):
        training(plain(deployed_text, edit), {}, WORK)


def test_an_older_definition_lacks_only_what_the_formulas_read(deployed_text: str) -> None:
    def without(name: str) -> Any:
        def edit(raw: dict[str, Any]) -> None:
            raw["Parameters"] = [row for row in raw["Parameters"] if row["Name"] != name]

        return plain(deployed_text, edit)

    assert training(without("MaxBrokenShare"), {}, WORK) == training(read(deployed_text), {}, WORK)
    with pytest.raises(Unknown, match="it has no parameter Epochs"):
        training(without("Epochs"), {}, WORK)


@pytest.mark.parametrize("levers", ["no json", '{"unknown": 1}'])
def test_levers_that_cannot_be_understood_are_unknown_and_no_traceback(deployed_text: str, levers: str) -> None:
    with pytest.raises(Unknown, match="cannot be understood"):
        training(plain(deployed_text, argument("TrainLora", "HyperParameters", "Levers", value=levers)), {}, WORK)
