"""What the training cost is said with the price it was counted at, and that the price is an assumption."""

from __future__ import annotations

import pytest

from steps.evaluate.cost import training_cost
from tests.unit.review.conftest import ESTIMATE


def test_on_demand_hours_cost_the_list_price_of_the_plan() -> None:
    cost = training_cost(7200, ESTIMATE, "ml.g5.xlarge", spot=False)
    assert (cost.hours, cost.usd_per_hour, cost.purchase) == (2.0, 1.408, "on demand")
    assert cost.usd == pytest.approx(2.816)
    assert cost.assumption == "list price of 2026-07"


def test_spot_hours_cost_the_spot_price_that_was_seen_once_and_say_so() -> None:
    cost = training_cost(7200, ESTIMATE, "ml.g5.xlarge", spot=True)
    assert (cost.purchase, cost.usd_per_hour) == ("spot", pytest.approx(0.42))
    assert cost.usd == pytest.approx(0.84)
    assert "seen once and changes daily" in cost.assumption


def test_several_machines_on_spot_cost_each_its_spot_price() -> None:
    two = ESTIMATE.model_copy(update={"usd_per_hour": 2 * ESTIMATE.usd_per_hour})
    assert training_cost(3600, two, "ml.g5.xlarge", spot=True).usd == pytest.approx(0.84)


def test_where_no_spot_price_is_known_the_dearer_one_is_taken_and_named() -> None:
    planned = ESTIMATE.model_copy(update={"usd_per_hour": 1.515})
    cost = training_cost(3600, planned, "ml.g5.2xlarge", spot=True)
    assert (cost.usd, cost.purchase) == (1.515, "spot")
    assert cost.assumption == "no spot price of ml.g5.2xlarge is known, so the on-demand price is taken: it was less"
