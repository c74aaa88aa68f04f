"""The live view: plain lines where there is no terminal, a table where there is one."""

import io
import json
from dataclasses import replace

from rich.console import Console
from rich.text import Text

from pipeline.cli.view import View, describe_progress
from pipeline.definition import Step
from pipeline.local.record import StepRecord

STEPS = [Step("First", "Processing", {}), Step("Second", "Fail", {}, branch=("First", "Else"))]
RECORD = StepRecord("First", "Processing", status="Executing", started=100.0)


def lines(*changes, events=()):
    console = Console(file=io.StringIO(), force_terminal=False, width=80)
    with View(STEPS, console) as view:
        view.on_step(RECORD)
        for event in events:
            view.on_line("First", event if isinstance(event, str) else json.dumps(event))
        for change in changes:
            view.on_step(replace(RECORD, **change))
    return console.file.getvalue()


def test_a_step_is_named_when_it_starts_and_when_it_ends_with_its_time():
    assert lines({"status": "Succeeded", "ended": 107.4}) == "▶ First\n✓ First  7.4 s\n"


def test_a_note_stands_beside_the_finished_step():
    out = lines({"status": "Succeeded", "ended": 101.0}, events=[{"event": "note", "text": "3 of 4 kept"}])
    assert "✓ First  1 s  3 of 4 kept" in out


def test_a_failed_step_shows_its_reason_and_a_reused_one_says_so():
    assert "✗ First  1 s  no capacity" in lines({"status": "Failed", "ended": 101.0, "reason": "no capacity"})
    assert "reused" in lines({"status": "Succeeded", "ended": 101.0, "reused": True})


def test_what_is_not_an_event_is_passed_over():
    assert lines(events=["plain text", '{"event": "progress", broken', '{"event": "other"}']) == "▶ First\n"


def test_on_a_terminal_the_whole_dag_is_drawn():
    console = Console(file=io.StringIO(), force_terminal=True, width=80)
    with View(STEPS, console) as view:
        view.on_step(RECORD)
        view.on_line("First", json.dumps({"event": "progress", "done": 3, "total": 9, "unit": "steps", "loss": 1.25}))
    out = console.file.getvalue()
    for text in ("First", "Second", "3/9 steps", "loss 1.25"):
        assert text in out


def test_progress_says_how_much_is_left():
    event = {"event": "progress", "done": 25, "total": 100, "unit": "steps", "loss": 1.23456, "speed": "9 tokens/s"}
    assert describe_progress(event, (0.0, 0), 10.0) == "25/100 steps, loss 1.235, speed 9 tokens/s, 30 s left"
    assert describe_progress(event, (0.0, 20), 10.0).endswith("2.5 min left"), "a resumed step began at 20"
    assert describe_progress(event, (9.0, 0), 10.0).endswith("tokens/s"), "too early to say"


def test_on_a_narrow_terminal_names_and_times_stay_whole():
    console = Console(file=io.StringIO(), force_terminal=True, width=60)
    with View(STEPS, console, clock=lambda: 190.0) as view:
        view.on_step(RECORD)
        view.on_progress("First", "a very long word " * 20)
    rows = [line for line in console.file.getvalue().splitlines() if "First" in line]
    assert "1.5 min" in rows[-1]
    assert "…" in rows[-1]


def test_on_a_narrow_terminal_a_step_that_has_ended_leaves_its_whole_line_also_where_its_words_come_late():
    console = Console(file=io.StringIO(), force_terminal=True, width=40)
    words = "chrF++ 41.2; " * 8 + "[held out] 1,186 tokens"
    with View(STEPS, console) as view:
        view.on_step(RECORD)
        view.on_note("First", words)
        view.on_step(replace(RECORD, status="Succeeded", ended=107.4))
        view.on_note("First", f"late: {words}")
    out = Text.from_ansi(console.file.getvalue()).plain
    assert f"✓ First  7.4 s  {words}\n" in out
    assert f"    First: late: {words}\n" in out
    assert "First" not in out.rpartition("tokens")[2], "and is not drawn again"
