"""Fetches a corpus of OPUS: downloads its archive, checks the sum, unpacks the pair of Moses files it holds.

OPUS publishes no checksums, so the first sum seen of an address is trusted and written down, and a later fetch that
differs is refused. Nothing but `fetch_corpus` opens a connection, and no test does so to OPUS itself.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from pipeline.errors import AsusuError, BadInput
from pipeline.staging.download import NotThere, Progress, fetch, refuse_insecure
from pipeline.staging.opus_archive import unpack
from pipeline.staging.opus_names import BASE_URL, CATALOGUE, LICENCES, UNKNOWN, OpusCorpus, Source
from steps.contract import FileEntry
from steps.job import write_json
from steps.sums import damaged_files, list_files, sha256_file

SOURCE = "source.json"
SUMS = "known-sums.json"  # in the folder of all corpora: address -> sha256 of its first fetch
ARCHIVE = "archive.zip.part"


def fetch_corpus(
    corpus: OpusCorpus,
    into: Path,
    *,
    sha256: str = "",
    base_url: str = BASE_URL,
    progress: Progress = lambda done, total, unit: None,
    pause: float = 1.0,
) -> tuple[Source, Path]:
    """The corpus as `into/<corpus>-<release>.<pair>/`, whole or not at all; what is whole there is not fetched again.

    `sha256` pins the archive. `pause` is the time in seconds before a broken connection is tried again. Raises AsusuError
    when the network, the server or the sum is not as it must be; bytes that came are kept for the next call, except those
    with a wrong sum.
    """
    url = corpus.url(base_url)
    refuse_insecure(url)
    if sha256 and not re.fullmatch(r"[0-9a-f]{64}", sha256 := sha256.lower()):
        raise BadInput(f"--sha256 {sha256!r} is not 64 hex digits", hint="copy the sum as it was printed")
    folder = into / corpus.folder
    with _place(into, corpus) as place:
        known = _read_sums(into).get(url, "")
        found = read_source(folder)
        if found and found.url == url and sha256 in ("", found.sha256):
            return found, folder
        fetch_or_explain(corpus, url, place / ARCHIVE, progress, pause)
        entry = FileEntry(path=url, bytes=(place / ARCHIVE).stat().st_size, sha256=sha256_file(place / ARCHIVE))
        _check_sum(entry, sha256, known, place)
        source = _unpack(corpus, entry, place, progress)
        _settle(place / "files", folder)
        shutil.rmtree(place)
        write_json(into / SUMS, dict(sorted((_read_sums(into) | {url: entry.sha256}).items())))
    return source, folder


def fetch_or_explain(corpus: OpusCorpus, url: str, part: Path, progress: Progress, pause: float) -> None:
    """`fetch`, with what to check when OPUS has no such corpus."""
    try:
        fetch(url, part, progress, pause=pause)
    except NotThere as error:
        first, second = corpus.pair.split("-")
        raise AsusuError(
            f"OPUS has no Moses files of {corpus.name}, release {corpus.release}, for {first} and {second}:"
            f" {error.message}",
            hint=f"look up the exact name, release (v1, v2021-03-10, ...) and codes of both languages at"
            f" {CATALOGUE}/{corpus.name}/{first}&{second}/{corpus.release}/{corpus.name}; upper and lower case count",
        ) from error


def read_source(folder: Path) -> Source | None:
    """What source.json says of a fetched folder whose files are all there with their sums, else None."""
    try:
        source = Source.model_validate_json((folder / SOURCE).read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        return None
    return None if damaged_files(folder, source.files) else source


def _check_sum(entry: FileEntry, pinned: str, known: str, place: Path) -> None:
    """Raises AsusuError, and throws the archive away, when its sum is neither pinned nor the one of the first fetch."""
    expected = pinned or known
    if expected in ("", entry.sha256):
        return
    shutil.rmtree(place)
    if pinned:
        raise AsusuError(
            f"{entry.path} has sha256 {entry.sha256}, not {pinned} as --sha256 says; it was thrown away",
            hint="check the sum where you have it from; if it is right, what the server gives is not the file you want",
        )
    raise AsusuError(
        f"{entry.path} has changed: its sha256 was {known} at the first fetch and is {entry.sha256} now;"
        " it was thrown away",
        hint=f"if OPUS published the release anew, accept it with --sha256 {entry.sha256}",
    )


def _unpack(corpus: OpusCorpus, archive: FileEntry, place: Path, progress: Progress) -> Source:
    files = place / "files"
    shutil.rmtree(files, ignore_errors=True)
    files.mkdir()
    try:
        unpacked = unpack(place / ARCHIVE, corpus.sides, files, progress)
    except AsusuError:
        shutil.rmtree(place)
        raise
    except OSError as error:
        raise AsusuError(
            f"cannot unpack into {files}: {error.strerror or error}", hint="make room and run the same command again"
        ) from error
    source = Source(
        corpus=corpus.name,
        release=corpus.release,
        languages=list(corpus.languages),
        url=archive.path,
        bytes=archive.bytes,
        sha256=archive.sha256,
        licence=unpacked.licence or LICENCES.get(corpus.name, UNKNOWN),
        lines=unpacked.lines,
        files=list_files(files),
    )
    write_json(files / SOURCE, source.model_dump(mode="json"))
    return source


@contextlib.contextmanager
def _place(into: Path, corpus: OpusCorpus) -> Iterator[Path]:
    """A hidden folder that outlives an interrupted fetch, held by one process at a time."""
    place = into / f".{corpus.folder}.partial"
    try:
        place.mkdir(parents=True, exist_ok=True)
        with (into / f".{corpus.folder}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise BadInput(f"another process is fetching into {place}", hint="wait for it, or stop it") from error
            try:
                yield place
            finally:
                Path(lock.name).unlink(missing_ok=True)
                with contextlib.suppress(OSError):
                    place.rmdir()  # only where nothing came
    except OSError as error:
        raise AsusuError(
            f"cannot write to {into}: {error.strerror or error}; what came is kept",
            hint="make room or give another folder with --into, and run the same command again",
        ) from error


def _read_sums(into: Path) -> dict[str, str]:
    try:
        value = json.loads((into / SUMS).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise AsusuError(f"{into / SUMS} cannot be read: {error}", hint="mend or remove it") from error
    return {str(url): str(known) for url, known in dict(value).items()}


def _settle(files: Path, folder: Path) -> None:
    """Put the finished files under their final name, in the place of a damaged folder of that name."""
    damaged = files.with_name("damaged")
    if folder.exists():
        folder.replace(damaged)
    files.replace(folder)
