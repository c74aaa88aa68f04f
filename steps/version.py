"""Which code this is: said with every model and every prepared corpus, since images can be rebuilt under an old tag."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGE = "asusu"
STEPS = Path(__file__).parent


def code_version(
    folder: Path = STEPS, *, beside: Sequence[Path] = (), libraries: Sequence[str] = (), more: str = ""
) -> str:
    """`<version of the package>+<12 hex digits>` of sha256 over names and bytes of all Python files below the folder.

    Single files `beside` it, the versions of `libraries`, and `more` text are summed too, where they decide what it does.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py"), key=lambda path: path.relative_to(folder).as_posix()):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()}\0{len(content)}\0".encode() + content)
    for path in beside:
        digest.update(f"{path.name}\0".encode() + path.read_bytes())
    for library in libraries:
        digest.update(f"{library}\0{version(library)}\0".encode())
    digest.update(more.encode())
    return f"{_package()}+{digest.hexdigest()[:12]}"


def _package() -> str:
    try:
        return version(PACKAGE)
    except PackageNotFoundError:
        return "unpackaged"
