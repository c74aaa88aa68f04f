"""How often checkpoints are saved, and what keeping all of them takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.saving import RESTORE_MIB_PER_SECOND, SAVE_MINUTES, TOTAL_GIB, save_plan

WEEK, MONTH = 168.0, 672.0
QV_16 = 6_815_744  # of Mistral-7B
ALL_16 = 41_943_040


def test_a_week_of_rank_16_q_and_v_is_saved_every_quarter_of_an_hour_and_takes_51_gib():
    plan = save_plan(WEEK, 400_000, QV_16)
    assert plan.minutes == SAVE_MINUTES == 15
    assert plan.checkpoint_mib == pytest.approx(78.1)
    assert plan.checkpoints == 672 + 2, "one early and one at the end"
    assert plan.total_gib == pytest.approx(51.4, abs=0.1)
    assert plan.restore_minutes == pytest.approx(8.8, abs=0.1)


def test_the_bytes_are_those_of_a_published_checkpoint():
    """The lost run's adapter was 26.02 MB on disk; its optimiser doubles that twice over, a checkpoint is about 78 MiB."""
    assert save_plan(1, 100, QV_16).checkpoint_mib == pytest.approx(78, abs=0.5)


@pytest.mark.parametrize(
    ("hours", "trainable", "minutes"),
    [(WEEK, ALL_16, 75), (MONTH, QV_16, 48), (MONTH, ALL_16, 305), (MONTH, 16 * ALL_16, 6720)],
    ids=["a week of all-linear", "28 days of q and v", "28 days of all-linear", "28 days at rank 256"],
)
def test_the_interval_grows_where_all_checkpoints_together_would_be_too_much(hours, trainable, minutes):
    plan = save_plan(hours, 400_000, trainable)
    assert plan.minutes == pytest.approx(minutes, rel=0.02)
    assert plan.total_gib <= TOTAL_GIB


def test_many_short_steps_are_saved_more_rarely_too():
    plan = save_plan(1, 5_000_000, QV_16)
    assert plan.steps > 1_000
    assert plan.total_gib <= TOTAL_GIB


def test_a_tiny_run_plans_no_more_checkpoints_than_it_has_steps():
    assert save_plan(0.01, 1, 1_000).checkpoints == 1


@given(
    hours=st.floats(0.001, 672),
    steps=st.integers(1, 10_000_000),
    trainable=st.integers(1_000, 1_000_000_000),
)
def test_every_run_stays_within_the_stated_limits(hours, steps, trainable):
    plan = save_plan(hours, steps, trainable)
    assert plan.minutes >= SAVE_MINUTES
    assert plan.total_gib <= TOTAL_GIB
    rounding = plan.checkpoints * 0.005 / 1024 + 0.0005  # half the last digit of both
    assert plan.total_gib == pytest.approx(plan.checkpoints * plan.checkpoint_mib / 1024, rel=0, abs=1.01 * rounding)
    assert plan.restore_minutes == pytest.approx(plan.total_gib * 1024 / RESTORE_MIB_PER_SECOND / 60, abs=0.02)


@given(
    hours=st.floats(0.001, 672),
    steps=st.integers(1, 100_000),
    trainable=st.integers(1_000, 100_000_000),
)
def test_the_number_planned_is_the_number_saved_by_a_run_of_even_steps(hours, steps, trainable):
    plan = save_plan(hours, steps, trainable)
    seconds, saved_at, saved_step, saves = 3600 * hours / steps, 0.0, 0, 0
    for step in range(1, steps + 1):
        early = step == max(1, round(0.05 * steps))
        if step * seconds - saved_at >= 60 * plan.minutes or step - saved_step >= plan.steps or early or step == steps:
            saved_at, saved_step, saves = step * seconds, step, saves + 1
    assert saves <= plan.checkpoints
