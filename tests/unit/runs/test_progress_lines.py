"""How far a step is, read from its lines."""

from __future__ import annotations

import json

from pipeline.runs.progress import progress_in


def line(done: int, unit: str = "steps", **more: object) -> str:
    return json.dumps({"event": "progress", "done": done, "total": 100, "unit": unit, **more})


def test_the_pace_is_taken_from_where_the_phase_was_first_seen() -> None:
    found = progress_in([(10.0, "noise"), (20.0, line(40)), (30.0, line(50)), (40.0, line(60, loss=1.5))])
    assert found is not None
    assert (found.moment, found.phase) == (40.0, (20.0, 40))
    assert found.event is not None
    assert found.event["loss"] == 1.5


def test_a_phase_begins_anew_with_another_unit_and_where_it_goes_back() -> None:
    rows = [(0.0, line(5)), (1.0, line(9)), (2.0, line(1, "sentences")), (3.0, line(4, "sentences"))]
    found = progress_in(rows)
    assert found is not None
    assert found.phase == (2.0, 1)
    again = progress_in([*rows, (9.0, line(0, "sentences"))])  # a restart of the job
    assert again is not None
    assert again.phase == (9.0, 0)


def test_a_note_at_the_end_is_what_a_step_says_last() -> None:
    found = progress_in([(0.0, line(100)), (1.0, '{"event": "note", "text": "583 of 583 steps"}')])
    assert found is not None
    assert (found.note, found.event) == ("583 of 583 steps", None)


def test_lines_that_are_cut_or_say_nothing_are_passed_over() -> None:
    assert progress_in([]) is None
    assert progress_in([(0.0, '{"event": "progress", "done": 3'), (1.0, '{"event": "progress"}'), (2.0, "x")]) is None
