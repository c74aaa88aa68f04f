"""Five faults of the drill, each a real run in processes of its own: it is struck, started again, and judged."""

from __future__ import annotations

import pytest

from tests.drill.faults import make_fault
from tests.drill.run import drill, make_place, run_unbroken

KINDS = [
    "killed in the middle of a file of a save",
    "disk full in a save",
    "SIGTERM in an evaluation while training",
    "newest checkpoint with a flipped bit",
    "newest checkpoint half synchronised",
]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """One drill for all tests of this file: the processes' start takes nearly all of its time."""
    place = make_place(tmp_path_factory.mktemp("drill"), steps=20)
    run = run_unbroken(place)
    faults = [make_fault(number, seed=1, run=run, kind=kind) for number, kind in enumerate(KINDS, start=1)]
    return {outcome.kind: outcome for outcome in drill(faults, run, place, workers=2)}


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_that_is_struck_ends_with_the_unbroken_runs_weights_and_breaks_no_promise(outcomes, kind):
    outcome = outcomes[kind]
    assert outcome.violations == [], f"{outcome.words}; again: {outcome.again}"
    assert outcome.weights_equal
    assert outcome.starts >= 2


def test_a_full_disk_is_named_and_says_what_to_do(outcomes):
    assert "Make room" in outcomes["disk full in a save"].refusals[0]


def test_a_checkpoint_that_came_half_is_passed_over_by_name(outcomes):
    assert any("checkpoint-" in reason for reason in outcomes["newest checkpoint half synchronised"].skipped)
