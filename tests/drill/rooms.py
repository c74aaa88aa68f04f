"""Mount namespaces without root: a disk of a few hundred kilobytes, and a file system that is read-only, for one process."""

from __future__ import annotations

import functools
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

OWN_MOUNTS = ["unshare", "--mount", "--map-root-user"]


@functools.cache
def can_mount() -> bool:
    """Does this machine let us mount a tmpfs in a namespace of our own? Linux only, and not where it is forbidden."""
    with tempfile.TemporaryDirectory() as folder:
        script = 'mount -t tmpfs -o size=64k tmpfs "$0"'
        try:
            return (
                subprocess.run([*OWN_MOUNTS, "sh", "-c", script, folder], capture_output=True, check=False).returncode
                == 0
            )
        except OSError:
            return False


@dataclass
class Room:
    """A mount namespace in which `script` has run (`$0` is the folder); a sleeping process keeps it open in a `with` block."""

    folder: Path
    script: str

    def __enter__(self) -> Self:
        self._keeper = subprocess.Popen(
            [*OWN_MOUNTS, "sh", "-c", f"{self.script} && echo ready && exec sleep 3600", str(self.folder)],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._keeper.stdout
        if self._keeper.stdout.readline() != "ready\n":
            raise OSError(f"cannot mount: {self.script}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._keeper.kill()
        self._keeper.wait()

    def command(self) -> list[str]:
        """What a command begins with to run inside."""
        return ["nsenter", f"--target={self._keeper.pid}", "--user", "--mount", "--preserve-credentials"]

    def view(self, path: Path) -> Path:
        """A path of the inside, as it is reached from outside."""
        return Path(f"/proc/{self._keeper.pid}/root{path}")

    def run(self, script: str) -> None:
        """A shell command inside, with `$0` for the folder."""
        subprocess.run([*self.command(), "sh", "-c", script, str(self.folder)], check=True)


def small_disk(folder: Path, kibibytes: int) -> Room:
    """A disk of this size at the folder's place."""
    return Room(folder, f'mount -t tmpfs -o size={kibibytes}k tmpfs "$0"')


def own_mount(folder: Path) -> Room:
    """The folder as a mount point, to be made read-only with READ_ONLY once it has been filled."""
    return Room(folder, 'mount --bind "$0" "$0"')


READ_ONLY = 'mount -o remount,ro,bind "$0"'
