"""Spot against on demand: the arithmetic, checked against a simulation and at its edges."""

import random

import pytest

from steps.budget import estimate
from steps.contract import ModelShape, SavePlan
from steps.spot import spot_estimate

MISTRAL_7B = ModelShape(
    layers=32, hidden=4096, intermediate=14336, heads=32, kv_heads=8, head=128, vocabulary=32000, tied=False
)
SAVING = SavePlan(minutes=15, steps=1000, checkpoints=400, checkpoint_mib=78, total_gib=30, restore_minutes=5)
TIME = estimate(700_000_000, MISTRAL_7B, "ml.g5.xlarge", recompute=False, width=1024)


def test_without_interruptions_spot_takes_the_same_hours_at_its_own_price():
    found = spot_estimate(TIME, SAVING, "ml.g5.xlarge", interruptions_per_day=0)
    assert found.hours == pytest.approx(TIME.hours_expected)
    assert found.usd == pytest.approx(TIME.hours_expected * 0.42, rel=1e-3)
    assert found.saves


def test_an_interruption_costs_half_an_interval_a_restart_and_a_restore():
    found = spot_estimate(TIME, SAVING, "ml.g5.xlarge", interruptions_per_day=2, restart_minutes=10)
    assert found.hours_lost_each == pytest.approx((7.5 + 10 + 5) / 60)
    assert found.hours == pytest.approx(TIME.hours_expected / (1 - 2 / 24 * 0.375))
    assert found.interruptions == pytest.approx(found.hours * 2 / 24, abs=0.01)


def test_the_expected_hours_are_those_of_simulated_runs():
    """Interruptions at random moments, each setting the run back to its last save; a save every quarter of an hour."""
    rate, work, save = 6 / 24, 40.0, 0.25
    time = TIME.model_copy(update={"hours_expected": work})
    draw = random.Random(4)
    totals = []
    for _ in range(3000):
        done = clock = 0.0
        while done + (until := draw.expovariate(rate)) < work:
            done = (done + until) // save * save
            clock += until + 15 / 60
        totals.append(clock + work - done)
    found = spot_estimate(time, SAVING, "ml.g5.xlarge", interruptions_per_day=6, restart_minutes=10)
    assert sum(totals) / len(totals) == pytest.approx(found.hours, rel=0.03)


def test_at_the_break_even_rate_both_cost_the_same():
    rate = spot_estimate(TIME, SAVING, "ml.g5.xlarge").break_even_per_day
    there = spot_estimate(TIME, SAVING, "ml.g5.xlarge", interruptions_per_day=rate)
    assert there.usd == pytest.approx(there.on_demand_usd, rel=0.001)
    assert not spot_estimate(TIME, SAVING, "ml.g5.xlarge", interruptions_per_day=rate + 1).saves


def test_a_run_that_loses_more_than_it_does_never_ends():
    found = spot_estimate(TIME, SAVING, "ml.g5.xlarge", interruptions_per_day=100)
    assert (found.hours, found.usd, found.interruptions, found.saves) == (None, None, None, False)


def test_an_instance_whose_spot_price_nobody_saw_has_no_estimate():
    assert spot_estimate(TIME, SAVING, "ml.g5.2xlarge") is None
