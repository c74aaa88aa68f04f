"""Environments of the programs that this package does not depend on, made on first use and kept."""

from __future__ import annotations

import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

OPUSFILTER = ("opusfilter==3.3.1", "pycld2==0.42")  # no torch among what it needs
PANDAS = ("pandas==3.1.1", "pyarrow==25.0.1", "ftfy==6.3.1", "xxhash==4.1.0")


def environment(folder: Path, packages: Sequence[str]) -> Path:
    """Folder of the programs of a virtual environment with these packages. Raises CalledProcessError without a network."""
    sealed = folder / "packages.txt"
    wanted = "\n".join(packages)
    if not sealed.is_file() or sealed.read_text(encoding="utf-8") != wanted:
        sys.stderr.write(f"installing {', '.join(packages)} into {folder}\n")
        sealed.unlink(missing_ok=True)
        venv.create(folder, with_pip=True, clear=True)
        install = [str(folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", *packages]
        subprocess.run(install, check=True)
        sealed.write_text(wanted, encoding="utf-8")
    return folder / "bin"
