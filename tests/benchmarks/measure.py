"""Runs a command and measures it and all its children: CPU seconds, wall seconds, peak resident memory."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SAMPLE_SECONDS = 0.05
PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096


@dataclass(frozen=True)
class Measured:
    """One run. `peak` is the largest sum of resident bytes over the process tree; pages that processes share count twice."""

    cpu: float
    wall: float
    peak: int


class Failed(Exception):
    """A command did not end with 0; holds its last lines."""


def _children() -> dict[int, list[int]]:
    """Processes by their parent, as the kernel tells; a process that ends meanwhile is left out."""
    found: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                # the name in brackets may hold anything, so count from behind it
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError, IndexError):
                continue
            found.setdefault(parent, []).append(int(entry.name))
    return found


def _resident(root: int) -> int:
    """Resident bytes of a process and of all below it."""
    children, waiting, total = _children(), [root], 0
    while waiting:
        process = waiting.pop()
        waiting += children.get(process, [])
        try:
            total += int(Path(f"/proc/{process}/statm").read_text().split()[1]) * PAGE
        except (OSError, ValueError, IndexError):
            continue
    return total


def run(command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> Measured:
    """Run a command to its end. CPU seconds are user and system time of all processes that it waited for.

    Raises Failed with the end of its output when it fails.
    """
    peak, done = 0, threading.Event()
    started = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            list(command), stdout=output, stderr=subprocess.STDOUT, env={**os.environ, **(environment or {})}
        )

        def watch() -> None:
            nonlocal peak
            while not done.wait(SAMPLE_SECONDS):
                peak = max(peak, _resident(process.pid))

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        done.set()
        watcher.join()
    if process.returncode:
        end = log.read_text(encoding="utf-8", errors="replace")[-2000:]
        raise Failed(f"{' '.join(command)} ended with {process.returncode}:\n{end}")
    return Measured(usage.ru_utime + usage.ru_stime, time.monotonic() - started, peak)
