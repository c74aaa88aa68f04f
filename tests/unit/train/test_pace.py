"""The pace of training: what warms up does not count, neither as a step nor as waiting."""

import pytest

from steps.train.pace import Pace


def test_the_first_step_and_what_it_waited_for_are_left_out():
    pace = Pace()
    pace.waiting_seconds += 5
    pace.step_done()
    assert pace.waiting_share == 1  # the only step there is
    pace.step_done()
    assert pace.waiting_share == 0
    assert pace.steady == pace.step_seconds[1:]


def test_percentiles_are_of_the_steps_after_the_first():
    pace = Pace(step_seconds=[100.0, *range(1, 12)])
    assert pace.percentile(0.5) == 6
    assert pace.percentile(0.95) == 11
    assert Pace().percentile(0.5) == 0


def test_the_share_of_waiting_is_of_the_time_of_the_steps():
    pace = Pace(step_seconds=[9.0, 2.0, 2.0], waiting_seconds=1.0)
    assert pace.waiting_share == pytest.approx(0.25)
