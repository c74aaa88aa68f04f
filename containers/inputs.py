"""What an image is made of, as one sum: the tag by which an image that need not be built again is found.

The bytes of an image differ with every build, its inputs do not. An unchanged image keeps its digest, and so the
service's step cache.
"""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

from containers.bakefile import ROOT, Target

DIGITS = 16


def inputs(name: str, targets: Iterable[Target], root: Path = ROOT) -> str:
    """16 hex digits of sha256 over Dockerfile, arguments and files of an image and of what it stands on.

    Labels and tags say when it was built, not from what, and are left out.
    """
    known = {target.name: target for target in targets}
    return _sum(known[name], known, root).hexdigest()[:DIGITS]


def _sum(target: Target, known: dict[str, Target], root: Path) -> hashlib._Hash:
    digest = hashlib.sha256()
    tags = {tag for base in target.bases for tag in known[base].tags}
    args = {key: value for key, value in target.args.items() if value not in tags}
    digest.update(json.dumps([target.dockerfile, args, target.platforms], sort_keys=True).encode())
    for base in target.bases:
        digest.update(_sum(known[base], known, root).digest())
    for path in files(target, root):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode() + content)
    return digest


def files(target: Target, root: Path = ROOT) -> Iterator[Path]:
    """The Dockerfile, what its COPY lines name, and the lock of its libraries."""
    dockerfile = root / target.dockerfile
    yield dockerfile
    if lock := target.args.get("LOCK"):
        yield root / "containers" / "locks" / f"{lock}.lock"
    for source in sources(dockerfile.read_text(encoding="utf-8")):
        for path in sorted(root.glob(source)):
            found = sorted(path.rglob("*")) if path.is_dir() else [path]
            yield from (file for file in found if file.is_file() and file.suffix != ".pyc")


def sources(dockerfile: str) -> list[str]:
    """The sources of every COPY line, `steps/*.py` for one."""
    lines = [shlex.split(line) for line in dockerfile.splitlines() if line.startswith("COPY ")]
    return [word for words in lines for word in words[1:-1] if not word.startswith("--")]
