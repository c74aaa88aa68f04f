"""Unpacking model.tar.gz: few files, of known kinds, inside the target folder."""

from __future__ import annotations

import shutil
import tarfile
import zlib
from pathlib import Path, PurePosixPath

from steps.job import Refused

MODEL_ARCHIVE = "model.tar.gz"  # what the platform makes of a training job's model folder
ALLOWED_SUFFIXES = (".safetensors", ".json", ".md", ".txt")
MAX_MEMBERS = 64
MAX_BYTES = 4 * 1024**3  # rank 256 on every linear layer of a 7B model is 671 M weights, 2.7 GB in fp32


def unpack(archive: Path, folder: Path) -> Path:
    """Unpack into `folder` and return it. Sizes are checked member by member, before anything too large is written.

    Raises Refused for anything that is not a plain file of an allowed kind (a pickle, a link, a path that leads out),
    and for an archive that is missing, damaged or over the limits.
    """
    count, size = 0, 0
    try:
        with tarfile.open(archive, "r:gz") as members:
            for member in members:
                count, size = count + 1, size + member.size
                refuse_unfit(member, count, size)
                _write(members, member, folder)
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise Refused(f"{archive.name} is damaged or unsafe: {error}. Run TrainLora again.") from error
    except OSError as error:
        raise Refused(f"cannot unpack {archive.name}: {error.strerror or error}") from error
    return folder


def _write(members: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """Write one member. Not by the library's own safe extraction, which Python has from 3.11.4 on only."""
    path = folder / member.name
    content = members.extractfile(member)  # None for a folder
    (path.parent if content else path).mkdir(parents=True, exist_ok=True)
    if content:
        with content, path.open("wb") as file:
            shutil.copyfileobj(content, file)


def refuse_unfit(member: tarfile.TarInfo, count: int, size: int) -> None:
    """Raises Refused for a member that no model needs. `count` and `size` in bytes include it."""
    if count > MAX_MEMBERS:
        raise Refused(f"the model archive holds more than {MAX_MEMBERS} files; an adapter needs four")
    if size > MAX_BYTES:
        raise Refused(f"the model archive unpacks to more than {MAX_BYTES // 1024**3} GiB; an adapter is far smaller")
    place = PurePosixPath(member.name)
    if place.is_absolute() or ".." in place.parts:
        raise Refused(f"the model archive is unsafe: {member.name!r} leads out of its folder")
    if member.isdir():
        return
    if not member.isfile():
        raise Refused(f"the model archive holds {member.name!r}, which is not a plain file")
    if place.suffix not in ALLOWED_SUFFIXES:
        allowed = ", ".join(ALLOWED_SUFFIXES)
        raise Refused(f"the model archive holds {member.name!r}; only {allowed} are read, so that no code comes along")
