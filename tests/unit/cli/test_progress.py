"""Pace and estimate over several phases, and the plain lines where there is no terminal."""

from __future__ import annotations

import pytest

from pipeline.cli import pace as pacing
from pipeline.cli.pace import Pace
from pipeline.cli.progress import amount, bar, phases


class Clock:
    """A clock that a test sets."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_estimate_counts_all_phases_by_their_cost():
    clock = Clock()
    pace = Pace({"cut": 10, "shards": 80, "write": 10}, clock)
    pace.saw("cut", 0, 100)
    assert pace.left is None, "too early to say"
    clock.now += 10
    pace.saw("cut", 100, 100)
    assert pace.whole == pytest.approx(0.1)
    assert pace.left == pytest.approx(90)
    clock.now += 40
    pace.saw("shards", 50, 100)
    assert pace.whole == pytest.approx(0.5)
    assert pace.left == pytest.approx(50)


def test_work_that_was_done_before_is_no_speed():
    clock = Clock()
    pace = Pace({"shards": 100}, clock)
    pace.saw("shards", 80, 100)  # found done by an earlier call
    clock.now += 10
    pace.saw("shards", 90, 100)
    assert pace.left == pytest.approx(10)
    assert pace.rate("shards", 90) == pytest.approx(1)


def test_a_phase_that_is_not_expected_changes_no_estimate():
    clock = Clock()
    pace = Pace({"cut": 1}, clock)
    pace.saw("surprise", 5, 10)
    assert pace.whole == 0
    clock.now += pacing.FIRST_ESTIMATE
    pace.saw("empty", 0, 0)
    assert pace.left is None


def test_bytes_are_shown_in_megabytes_and_an_unknown_total_is_left_out():
    assert amount(3_400_000, 27_100_000, "bytes") == "3.4/27.1 MB"
    assert amount(3_400_000, 0, "bytes") == "3.4 MB"
    assert amount(1200, 6000, "pairs") == "1,200/6,000 pairs"


def test_without_a_terminal_every_phase_says_its_end_once(capsys):
    with phases({"cut": 1, "bands": 1}, {"bands": "columns"}) as progress:
        for done in (1, 2, 2):
            progress("cut", done, 2)
        progress("bands", 28, 28)
    assert capsys.readouterr().err == "cut: 2/2 pairs\nbands: 28/28 columns\n"


def test_without_a_terminal_a_bar_says_its_end(capsys):
    with bar("fetching") as progress:
        progress(1_000_000, 2_000_000, "bytes")
        progress(2_000_000, 2_000_000, "bytes")
    assert capsys.readouterr().err.splitlines()[-1] == "fetching: 2.0 of 2.0 MB"
