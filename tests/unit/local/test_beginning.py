from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.errors import BadInput
from pipeline.local.orphans import started_at
from pipeline.local.record import Execution, load
from tests.unit.local.conftest import Bench
from tests.unit.local.pipelines import (
    BUCKET,
    checkpoints,
    declared,
    definition,
    fail,
    join,
    parameter,
    processing,
    training,
)

PARAMETERS = [declared("Name", "String", "igbo"), declared("Rate", "Float", 1.0)]
EXECUTION_ID = "abcdefghijkl"

# Counts in its checkpoint folder; waits at 3 until the file `go` exists.
COUNT = """
counter = base / "checkpoints/counter"
found = int(counter.read_text()) if counter.exists() else 0
print("found", found)
for number in range(found + 1, 6):
    counter.write_text(str(number))
    print("at", number)
    while number == 3 and not pathlib.Path({go!r}).exists():
        time.sleep(0.01)
(base / "model/steps").write_text(str(number))
"""


def counting(bench: Bench, go: Path) -> str:
    """A step that runs at once, and one that counts to five and can be stopped at three."""
    return definition(
        processing("First", bench.program("first", "print('ran')")),
        training(
            "Count",
            bench.program("count", COUNT.format(go=str(go))),
            arguments={**checkpoints(), "HyperParameters": {"rate": join(parameter("Rate"))}},
            DependsOn=["First"],
        ),
        parameters=PARAMETERS,
    )


def start_runner(bench: Bench, text: str) -> subprocess.Popen[bytes]:
    """A runner in a process of its own."""
    path = bench.programs / "definition.json"
    path.write_text(text, encoding="utf-8")
    code = """
    import sys
    from pathlib import Path
    from pipeline.local.runner import Options, run
    options = Options(execution_id=sys.argv[3], sync_seconds=0.02, code_version="test")
    print(run(Path(sys.argv[1]).read_text(), {}, Path(sys.argv[2]), options=options).status)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(path), str(bench.workdir), EXECUTION_ID]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)


def wait_for(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not reached():
        assert time.monotonic() < deadline, "it did not happen within a minute"
        time.sleep(0.02)


def synchronised_at(bench: Bench, number: int) -> Callable[[], bool]:
    path = bench.store.path(f"{BUCKET}/checkpoints/{EXECUTION_ID}/counter")
    return lambda: path.is_file() and path.read_text() == str(number)


def told(bench: Bench, step: str) -> list[str]:
    return [text for name, text in bench.heard.lines if name == step]


def test_a_failed_execution_goes_on_where_it_failed(bench: Bench) -> None:
    code = """
    seen = base / "checkpoints/seen"
    if not seen.exists():
        seen.write_text("x")
        sys.exit(1)
    """
    text = definition(
        processing("First", bench.program("first", "print('ran')")),
        training("Second", bench.program("second", code), arguments=checkpoints(), DependsOn=["First"]),
    )
    failed = bench.run(text)
    assert (failed.status, told(bench, "First")) == ("Failed", ["ran"])
    resumed = bench.run(text, resume=True)
    assert (resumed.status, resumed.execution_id) == ("Succeeded", failed.execution_id)
    assert told(bench, "First") == ["ran"]
    assert resumed.step("Second").attempts == 2
    assert resumed.step("Second").job_name == f"pipelines-{failed.execution_id}-Second-2"
    assert failed.step("Second").log_folder != resumed.step("Second").log_folder
    assert (resumed.started, resumed.failure_reason) == (failed.started, "")


def test_what_was_resumed_is_reused_by_the_next_run(bench: Bench) -> None:
    go = bench.programs / "go"
    text = counting(bench, go)
    _stop_at_three(bench, text, signal.SIGKILL)
    go.touch()
    bench.run(text, resume=True)
    assert [step.reused for step in bench.run(text).steps] == [True, True]


def _stop_at_three(bench: Bench, text: str, number: signal.Signals) -> Execution:
    """Start a runner, and end it with a signal when the counter's third checkpoint is in the store."""
    runner = start_runner(bench, text)
    wait_for(synchronised_at(bench, 3))
    runner.send_signal(number)
    runner.communicate()
    return load(bench.workdir, EXECUTION_ID)


def test_a_killed_runner_leaves_a_record_that_is_resumed_and_no_job_behind(bench: Bench) -> None:
    go = bench.programs / "go"
    text = counting(bench, go)
    left = _stop_at_three(bench, text, signal.SIGKILL)
    process = left.step("Count").process
    assert (left.status, left.step("Count").status) == ("Executing", "Executing")
    assert process is not None
    assert started_at(process[0]) == process[1]

    orphans = []

    def on_line(step: str, line: str) -> None:
        orphans.append(started_at(process[0]) == process[1])
        bench.heard.lines.append((step, line))
        go.touch()

    bench.heard.on_line = on_line  # type: ignore[method-assign]
    execution = bench.run(text, resume=True)
    assert not any(orphans)
    assert (execution.status, execution.execution_id) == ("Succeeded", EXECUTION_ID)
    assert told(bench, "First") == []
    assert told(bench, "Count") == ["found 3", "at 4", "at 5"]


def test_a_fresh_run_ends_the_job_of_a_killed_runner_and_marks_its_execution(bench: Bench) -> None:
    go = bench.programs / "go"
    text = counting(bench, go)
    process = _stop_at_three(bench, text, signal.SIGKILL).step("Count").process
    assert process is not None
    go.touch()
    execution = bench.run(text)
    assert execution.status == "Succeeded"
    assert started_at(process[0]) != process[1]
    left = load(bench.workdir, EXECUTION_ID)
    assert (left.status, left.step("Count").status, left.step("Count").process) == ("Stopped", "Stopped", None)
    assert left.failure_reason == "the runner was killed"


def test_sigterm_stops_the_job_and_records_it(bench: Bench) -> None:
    go = bench.programs / "go"
    text = counting(bench, go)
    left = _stop_at_three(bench, text, signal.SIGTERM)
    assert (left.status, left.step("Count").status, left.step("Count").reason) == ("Stopped", "Stopped", "interrupted")
    assert left.step("Count").process is None
    go.touch()
    assert bench.run(text, resume=True).status == "Succeeded"
    assert told(bench, "Count")[0] == "found 3"


def test_ctrl_c_stops_the_job_and_returns_the_record(bench: Bench) -> None:
    def on_line(step: str, text: str) -> None:
        if text == "at 3":
            raise KeyboardInterrupt

    bench.heard.on_line = on_line  # type: ignore[method-assign]
    execution = bench.run(counting(bench, bench.programs / "go"))
    assert (execution.status, execution.failure_reason) == ("Stopped", "interrupted")
    assert execution.step("Count").status == "Stopped"
    assert bench.store.read_text(f"{BUCKET}/checkpoints/{execution.execution_id}/counter") == "3"


def test_two_runners_cannot_share_a_work_directory(bench: Bench) -> None:
    text = counting(bench, bench.programs / "go")
    runner = start_runner(bench, text)
    try:
        wait_for(synchronised_at(bench, 3))
        with pytest.raises(BadInput, match=f"process {runner.pid} is using"):
            bench.run(text)
    finally:
        runner.terminate()
        runner.communicate()


def test_there_may_be_nothing_to_resume(bench: Bench) -> None:
    with pytest.raises(BadInput, match="there is nothing to resume"):
        bench.run(definition(), resume=True)
    assert not bench.workdir.exists()
    bench.run(definition())
    with pytest.raises(BadInput, match="there is nothing to resume"):
        bench.run(definition(), resume=True)


def test_a_refused_gate_is_not_resumed(bench: Bench) -> None:
    text = definition(fail("Reject", "not good enough"))
    assert bench.run(text).refused
    with pytest.raises(BadInput, match="there is nothing to resume"):
        bench.run(text, resume=True)


def test_a_changed_definition_is_not_resumed(bench: Bench) -> None:
    bench.run(definition(processing("P", bench.program("p", "sys.exit(1)"))))
    with pytest.raises(BadInput, match="the definition has changed since execution") as error:
        bench.run(definition(processing("Q", bench.program("p", ""))), resume=True)
    assert "without --resume" in error.value.hint


def test_parameters_stay_those_of_the_beginning(bench: Bench) -> None:
    text = definition(processing("P", bench.program("p", "sys.exit(1)")), parameters=PARAMETERS)
    bench.run(text, {"Rate": "2e-4"})
    with pytest.raises(BadInput, match=r"began with Rate=0\.0002, not 0\.1"):
        bench.run(text, {"Rate": "0.1"}, resume=True)
    with pytest.raises(BadInput, match="Rat is not a parameter"):
        bench.run(text, {"Rat": "0.1"}, resume=True)
    with pytest.raises(BadInput, match="Rate='x' is not a number"):
        bench.run(text, {"Rate": "x"}, resume=True)
    assert bench.run(text, {"Rate": "0.0002"}, resume=True).parameters == {"Name": "igbo", "Rate": 2e-4}


def test_the_newest_unfinished_execution_is_resumed(bench: Bench) -> None:
    text = definition(processing("P", bench.program("p", "sys.exit(1)")))
    for name in "ab":
        bench.run(text, execution_id=name * 12)
    assert bench.run(text, resume=True).execution_id == "b" * 12


def test_a_damaged_record_stops_a_run_before_anything_happens(bench: Bench) -> None:
    execution = bench.run(definition(processing("P", bench.program("p", ""))))
    path = bench.workdir / "executions" / f"{execution.execution_id}.json"
    path.write_text("{", encoding="utf-8")
    with pytest.raises(BadInput, match="is damaged"):
        bench.run(definition())
