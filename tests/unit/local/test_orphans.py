from __future__ import annotations

import os
import subprocess
import sys

from pipeline.local.orphans import end_orphan, started_at


def sleeper() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)


def test_a_running_process_is_told_by_its_start() -> None:
    assert started_at(os.getpid()) == started_at(os.getpid()) != ""


def test_a_process_that_ended_has_no_start() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert started_at(child.pid) == ""


def test_the_process_that_was_started_then_is_ended() -> None:
    child = sleeper()
    assert end_orphan(child.pid, started_at(child.pid))
    assert child.wait() == -9


def test_another_process_with_the_same_id_is_left_alone() -> None:
    child = sleeper()
    try:
        assert not end_orphan(child.pid, "some other start")
        assert not end_orphan(child.pid, "")
        assert child.poll() is None
    finally:
        child.kill()
        child.wait()
