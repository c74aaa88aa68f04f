"""Unpacking model.tar.gz: few files, of known kinds, inside the target folder."""

from __future__ import annotations

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
                _refuse_unfit(member, count, size)
                members.extract(member, folder, filter="data")
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise Refused(f"{archive.name} is damaged or unsafe: {error}. Run TrainLora again.") from error
    except OSError as error:
        raise Refused(f"cannot unpack {archive.name}: {error.strerror or error}") from error
    return folder


def _refuse_unfit(member: tarfile.TarInfo, count: int, size: int) -> None:
    if count > MAX_MEMBERS:
        raise Refused(f"the model archive holds more than {MAX_MEMBERS} files; an adapter needs four")
    if size > MAX_BYTES:
        raise Refused(f"the model archive unpacks to more than {MAX_BYTES // 1024**3} GiB; an adapter is far smaller")
    if member.isdir():
        return
    if not member.isfile():
        raise Refused(f"the model archive holds {member.name!r}, which is not a plain file")
    if PurePosixPath(member.name).suffix not in ALLOWED_SUFFIXES:
        allowed = ", ".join(ALLOWED_SUFFIXES)
        raise Refused(f"the model archive holds {member.name!r}; only {allowed} are read, so that no code comes along")
