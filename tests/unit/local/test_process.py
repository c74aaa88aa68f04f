from __future__ import annotations

import signal
import sys
import time
from pathlib import Path

import pytest

from pipeline.errors import StepFailed
from pipeline.local.orphans import started_at
from pipeline.local.process import Ended, Limits, run_process

SAVE_AT_SIGTERM = "import signal, sys, time\nsignal.signal(15, lambda *a: (print('saved'), sys.exit(0)))"
LONG = Limits(run_seconds=60, grace_seconds=60)


def run(tmp_path: Path, code: str, limits: Limits = LONG) -> tuple[Ended, list[tuple[str, str]]]:
    lines: list[tuple[str, str]] = []
    ended = run_process(
        [sys.executable, "-u", "-c", code],
        environment={"PYTHONUNBUFFERED": "1"},
        cwd=tmp_path,
        logs=tmp_path,
        limits=limits,
        on_start=lambda pid: None,
        on_line=lambda log, line: lines.append((log, line)),
    )
    return ended, lines


def test_every_line_is_reported_and_kept_in_the_logs(tmp_path: Path) -> None:
    ended, lines = run(tmp_path, "import sys; print('ọ\\nb'); sys.stderr.write('warned\\nno newline at the end')")
    assert ended == Ended(0, timed_out=False, last_error="no newline at the end")
    assert [line for log, line in lines if log == "stdout.log"] == ["ọ", "b"]
    assert [line for log, line in lines if log == "stderr.log"] == ["warned", "no newline at the end"]
    assert (tmp_path / "stdout.log").read_text(encoding="utf-8") == "ọ\nb\n"


def test_lines_are_heard_while_the_process_runs(tmp_path: Path) -> None:
    go = tmp_path / "go"
    code = f"import pathlib, time\nprint('ready')\nwhile not pathlib.Path({str(go)!r}).exists(): time.sleep(0.01)\n"
    ended = run_process(
        [sys.executable, "-u", "-c", code],
        environment={},
        cwd=tmp_path,
        logs=tmp_path,
        limits=LONG,
        on_start=lambda pid: None,
        on_line=lambda log, line: go.touch(),
    )
    assert ended.exit_code == 0


def test_the_exit_code_and_the_last_error_line_are_told(tmp_path: Path) -> None:
    ended, _ = run(tmp_path, "raise SystemExit('no rows')")
    assert ended.in_words() == "ended with exit code 1, its last error line being: no rows"


def test_death_by_a_signal_is_told(tmp_path: Path) -> None:
    ended, _ = run(tmp_path, "import os; os.kill(os.getpid(), 9)")
    assert ended.in_words() == "was ended by signal 9 (Killed)"


def test_too_long_means_sigterm_first(tmp_path: Path) -> None:
    code = f"{SAVE_AT_SIGTERM}\ntime.sleep(60)"
    ended, lines = run(tmp_path, code, Limits(run_seconds=2, grace_seconds=60))
    assert (ended.exit_code, ended.timed_out) == (0, True)
    assert lines == [("stdout.log", "saved")]


def test_then_sigkill_when_the_grace_is_over(tmp_path: Path) -> None:
    code = "import signal, time\nsignal.signal(15, lambda *a: print('no'))\nwhile True: time.sleep(1)"
    ended, lines = run(tmp_path, code, Limits(run_seconds=2, grace_seconds=0.2))
    assert (ended.exit_code, ended.timed_out) == (-signal.SIGKILL, True)
    assert lines == [("stdout.log", "no")]


def test_nothing_of_a_job_outlives_it(tmp_path: Path) -> None:
    code = "import subprocess, sys\nprint(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid)"
    ended, lines = run(tmp_path, code)
    assert ended.exit_code == 0
    deadline = time.monotonic() + 30
    while started_at(int(lines[0][1])) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert started_at(int(lines[0][1])) == ""


def test_an_interrupt_ends_the_process_and_goes_on(tmp_path: Path) -> None:
    def interrupt(log: str, line: str) -> None:
        if line == "running":
            raise KeyboardInterrupt

    code = f"{SAVE_AT_SIGTERM}\nprint('running')\ntime.sleep(60)"
    with pytest.raises(KeyboardInterrupt):
        run_process(
            [sys.executable, "-u", "-c", code],
            environment={},
            cwd=tmp_path,
            logs=tmp_path,
            limits=LONG,
            on_start=lambda pid: None,
            on_line=interrupt,
        )
    assert (tmp_path / "stdout.log").read_text() == "running\nsaved\n"


def test_a_second_interrupt_ends_a_deaf_process_at_once(tmp_path: Path) -> None:
    def interrupt(log: str, line: str) -> None:
        raise KeyboardInterrupt

    code = "import signal, time\nsignal.signal(15, lambda *a: print('no'))\nprint('running')\nwhile True: time.sleep(1)"
    pids: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        run_process(
            [sys.executable, "-u", "-c", code],
            environment={},
            cwd=tmp_path,
            logs=tmp_path,
            limits=Limits(run_seconds=3600, grace_seconds=3600),
            on_start=pids.append,
            on_line=interrupt,
        )
    assert started_at(pids[0]) == ""


def test_a_process_has_a_session_of_its_own(tmp_path: Path) -> None:
    _, lines = run(tmp_path, "import os; print(os.getsid(0) == os.getpid())")
    assert lines == [("stdout.log", "True")]


def test_a_command_that_does_not_exist_fails_by_name(tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match="'no-such-command' could not be started"):
        run_process(
            ["no-such-command"],
            environment={},
            cwd=tmp_path,
            logs=tmp_path,
            limits=LONG,
            on_start=lambda pid: None,
            on_line=lambda log, line: None,
        )
