"""One job's process: start it, follow what it prints, end it in time, and leave nothing of it running."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import StepFailed

POLL_SECONDS = 0.05
STDOUT_LOG = "stdout.log"
STDERR_LOG = "stderr.log"


@dataclass(frozen=True)
class Limits:
    """Seconds a process may run, and seconds between SIGTERM and SIGKILL once it may not."""

    run_seconds: float
    grace_seconds: float


@dataclass(frozen=True)
class Ended:
    """How a process ended. `exit_code` is negative for a signal; `last_error` is its last line on standard error."""

    exit_code: int
    timed_out: bool
    last_error: str

    def in_words(self) -> str:
        """E.g. `ended with exit code 3, its last error line being: ValueError: no rows`."""
        if self.exit_code < 0:
            how = f"was ended by signal {-self.exit_code} ({signal.strsignal(-self.exit_code)})"
        else:
            how = f"ended with exit code {self.exit_code}"
        return f"{how}, its last error line being: {self.last_error}" if self.last_error else how


@dataclass
class _Tail:
    """Reads the lines that were added to a growing file since the last look."""

    path: Path
    position: int = 0
    rest: bytes = field(default=b"", repr=False)

    def lines(self, *, to_the_end: bool = False) -> list[str]:
        with self.path.open("rb") as file:
            file.seek(self.position)
            data = file.read()
        self.position += len(data)
        *whole, self.rest = (self.rest + data).split(b"\n")
        if to_the_end and self.rest:
            whole.append(self.rest)
            self.rest = b""
        return [line.decode("utf-8", "replace").rstrip("\r") for line in whole]


def run_process(
    command: list[str],
    *,
    environment: Mapping[str, str],
    cwd: Path,
    logs: Path,
    limits: Limits,
    on_start: Callable[[int], object],
    on_line: Callable[[str, str], object],
) -> Ended:
    """Run a command in a session of its own until it ends, and report each line it prints.

    Its output goes straight into `logs`/stdout.log and stderr.log and is read from there, so the logs are whole even
    when this process is killed. `on_start` gets the process id, `on_line` the log's name and a line. On
    KeyboardInterrupt the process is ended as on a time-out, and the interrupt goes on. Raises StepFailed where the
    command cannot be started.
    """
    tails = [_Tail(logs / STDOUT_LOG), _Tail(logs / STDERR_LOG)]
    child = _start(command, environment, cwd, tails[0].path, tails[1].path)
    last_error = ""

    def report(*, to_the_end: bool = False) -> None:
        nonlocal last_error
        for tail in tails:
            for line in tail.lines(to_the_end=to_the_end):
                if tail.path.name == STDERR_LOG and line.strip():
                    last_error = line.strip()
                on_line(tail.path.name, line)

    timed_out = False
    try:
        on_start(child.pid)
        timed_out = not _wait(child, limits.run_seconds, report)
        if timed_out:
            _terminate(child, limits.grace_seconds, report)
    except BaseException:
        _terminate(child, limits.grace_seconds, report)
        raise
    finally:
        _kill_group(child)
        exit_code = child.wait()
    report(to_the_end=True)
    return Ended(exit_code, timed_out, last_error)


def _start(
    command: list[str], environment: Mapping[str, str], cwd: Path, stdout_log: Path, stderr_log: Path
) -> subprocess.Popen[bytes]:
    with stdout_log.open("wb") as stdout, stderr_log.open("wb") as stderr:
        try:
            return subprocess.Popen(
                command,
                env=dict(environment),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
        except OSError as error:
            raise StepFailed(f"the command {command[0]!r} could not be started: {error}") from error


def _wait(child: subprocess.Popen[bytes], seconds: float, report: Callable[[], None]) -> bool:
    """True once the child has ended, False when the seconds are over; its new lines are reported meanwhile."""
    deadline = time.monotonic() + seconds
    while child.poll() is None:
        if time.monotonic() >= deadline:
            return False
        report()
        time.sleep(POLL_SECONDS)
    return True


def _terminate(child: subprocess.Popen[bytes], grace_seconds: float, report: Callable[[], None]) -> None:
    """SIGTERM to the job's first process, as `docker stop` does, and time to end; the caller kills what is left."""
    child.send_signal(signal.SIGTERM)
    _wait(child, grace_seconds, report)


def _kill_group(child: subprocess.Popen[bytes]) -> None:
    """End everything the job started: a container's end is the end of all in it."""
    # Nothing may be left of the group; macOS answers PermissionError for one that only has an unreaped process.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
