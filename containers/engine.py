"""Podman for CI: installed where it is missing, with a store of its own below build/, and asked whether it works here.

A machine that builds images for real needs root, Debian's packages and overlay file systems. Where that cannot be had
`Unavailable` says why, and nothing has been built.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from pipeline.errors import AsusuError

ROOT = Path(__file__).resolve().parents[1]
PLACE = ROOT / "build" / "containers"
STORAGE_CONF, ENGINE_CONF = PLACE / "storage.conf", PLACE / "containers.conf"
TOOLS = ("podman", "runc", "mmdebstrap")
MEMORY_DISK = Path("/dev/shm")  # noqa: S108  unpacking packages there takes a third of the time
ROOM_NEEDED = 3 * 1024**3  # bytes for temporary files: the largest is a base image's archive and torch's wheel
PROCESSES, FILES = 8192, 8192


class Unavailable(AsusuError):
    """This machine cannot build or run images; the message says why."""


def install() -> None:
    """Install what is missing with apt. Raises Unavailable where that is impossible."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if not missing:
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise Unavailable(
            f"{', '.join(missing)} not installed, and without root and apt this cannot be changed",
            hint=f"install {' '.join(missing)}, for example with apt-get",
        )
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install_them = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing]
    for command in (["apt-get", "update", "-qq"], install_them):
        ended = subprocess.run(command, env=quiet, capture_output=True, text=True, check=False)
        if ended.returncode:
            raise Unavailable(f"`{' '.join(command)}` failed: {ended.stderr.strip()[-500:]}")


def configure() -> None:
    """Write podman's settings for this checkout, so that no other images of the machine are seen or touched."""
    PLACE.mkdir(parents=True, exist_ok=True)
    STORAGE_CONF.write_text(
        f'[storage]\ndriver = "overlay"\ngraphroot = "{PLACE / "store"}"\nrunroot = "{PLACE / "run"}"\n',
        encoding="utf-8",
    )
    # Podman asks for more files and processes than a virtual machine without CAP_SYS_RESOURCE may give: runc then fails.
    files = _at_most(resource.RLIMIT_NOFILE, FILES)
    processes = _at_most(resource.RLIMIT_NPROC, PROCESSES)
    ENGINE_CONF.write_text(
        f'[containers]\ndefault_ulimits = ["nofile={files}:{files}", "nproc={processes}:{processes}"]\n'
        '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\nruntime = "runc"\n',
        encoding="utf-8",
    )


def surroundings() -> dict[str, str]:
    """The environment of every call of podman; temporary files in memory where there is room."""
    places = {"CONTAINERS_STORAGE_CONF": str(STORAGE_CONF), "CONTAINERS_CONF": str(ENGINE_CONF)}
    if MEMORY_DISK.is_dir() and shutil.disk_usage(MEMORY_DISK).free > ROOM_NEEDED:
        places["TMPDIR"] = str(MEMORY_DISK)
    return {**os.environ, **places}


def in_ci() -> bool:
    """Whether CI is set, as every service for it does: then what cannot be had is a failure, elsewhere it is skipped."""
    return os.environ.get("CI", "").lower() not in ("", "0", "false")


def podman(*arguments: str, quiet: bool = True) -> str:
    """Call podman on this checkout's store; its standard output. Raises AsusuError with its own words."""
    return run(["podman", *arguments], quiet=quiet)


def run(command: Sequence[str], *, quiet: bool = True) -> str:
    """Run a program in the surroundings above; what it says goes to the terminal unless quiet."""
    pipe = subprocess.PIPE if quiet else None
    ended = subprocess.run(
        command, cwd=ROOT, env=surroundings(), stdout=subprocess.PIPE, stderr=pipe, text=True, check=False
    )
    if ended.returncode:
        said = (ended.stderr or "").strip()[-2000:]
        raise AsusuError(f"`{' '.join(command[:3])} ...` ended with {ended.returncode}: {said or 'see above'}")
    return ended.stdout


def probe(image: str) -> None:
    """Run one container of an image. Raises Unavailable where this machine cannot."""
    try:
        podman("run", "--rm", "--network", "none", image, "true")
    except AsusuError as error:
        raise Unavailable(f"podman cannot run a container here: {error.message}") from error


def _at_most(kind: int, wanted: int) -> int:
    hard = resource.getrlimit(kind)[1]
    return wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
