"""Job processes whose runner was killed: told apart from a later process with the same id, and ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

WAIT_SECONDS = 10.0


def started_at(pid: int) -> str:
    """When a process started, as text that only serves to be compared; empty when there is no such process.

    Linux: clock ticks since boot, from /proc. Elsewhere: what `ps` says, to the second.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return "" if fields[0] in "ZX" else fields[19]
    except OSError:
        pass
    if Path("/proc/self/stat").exists():
        return ""
    answer = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return answer.stdout.strip()


def end_orphan(pid: int, started: str) -> bool:
    """Kill the process group of a job, if the process with that id is still the one that started then.

    Returns True when something had to be ended. A job that outlives its runner has nobody to synchronise its
    checkpoints, so nothing is lost that was not lost already.
    """
    if not started or started_at(pid) != started:
        return False
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    deadline = time.monotonic() + WAIT_SECONDS
    while started_at(pid) == started and time.monotonic() < deadline:
        time.sleep(0.02)
    return True
