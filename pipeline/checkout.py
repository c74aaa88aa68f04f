"""Which commit this code is, and whether somebody has changed it since."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from steps.version import code_version

HERE = Path(__file__).resolve().parent
SECONDS = 60
UNASKED = "git cannot tell"  # stands in the list where a checkout is there and git does not answer


@dataclass(frozen=True)
class Checkout:
    """The state of the code. `code` is a commit, or for an installed package its version; `edited` lists paths."""

    code: str
    edited: tuple[str, ...] = ()

    @property
    def dirty(self) -> bool:
        """Whether the code is not that of the commit."""
        return bool(self.edited)


def checkout(folder: Path | None = None) -> Checkout:
    """The git checkout that this package lies in; where it lies in none, the version of the installed package.

    Files that git ignores do not count, new ones do.
    """
    place = folder or HERE
    if not any((parent / ".git").exists() for parent in (place, *place.parents)):
        return Checkout(code_version())
    commit = _git(place, "rev-parse", "--verify", "HEAD")
    if commit is None:
        return Checkout(code_version(), (UNASKED,))
    if _git(place, "ls-files", "--error-unmatch", ".") is None:
        return Checkout(code_version())  # installed somewhere below somebody else's repository
    status = _git(place, "status", "--porcelain", "--untracked-files=all", "-z", ":/")
    if status is None:
        return Checkout(commit.strip(), (UNASKED,))
    return Checkout(commit.strip(), tuple(row[3:] for row in status.split("\0") if row[2:3] == " "))


def _git(folder: Path, *arguments: str) -> str | None:
    """What git says, None where it is not there or refuses."""
    try:
        ended = subprocess.run(
            ["git", "--no-optional-locks", "-C", str(folder), *arguments],
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return ended.stdout.decode("utf-8", "replace") if ended.returncode == 0 else None
