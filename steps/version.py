"""Which code this is: said with every model, since images can be rebuilt under an old tag."""

from __future__ import annotations

import hashlib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGE = "asusu"
STEPS = Path(__file__).parent


def code_version(folder: Path = STEPS) -> str:
    """`<version of the package>+<12 hex digits>` of sha256 over names and bytes of all Python files below the folder."""
    try:
        package = version(PACKAGE)
    except PackageNotFoundError:
        package = "unpackaged"
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py"), key=lambda path: path.relative_to(folder).as_posix()):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode() + content)
    return f"{package}+{digest.hexdigest()[:12]}"
