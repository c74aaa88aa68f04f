"""Describes a corpus where it lies: a folder of links under the names that a published corpus has, and its manifest.

No text is copied, and manifest and fingerprint are those of the published corpus, so that a preparation of one and of the
other give the same bytes.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from pipeline.errors import BadInput
from pipeline.staging.corpus import CorpusSpec, corpus_fingerprint, distinct_name
from steps.contract import CORPUS_DATA, CorpusManifest, CorpusSource, FileEntry

BLOCK = 256 << 10  # bytes read at once: they are in the cache when they are counted
COUNTABLE = {"moses": 0, "tsv": 1}  # formats whose pairs are lines, and the lines of their header


@dataclass(frozen=True)
class Content:
    """What one reading of a file tells: its bytes, their sum, and its lines, ended by LF or by its end."""

    bytes: int
    sha256: str
    lines: int


State = tuple[int, int, int]  # bytes, nanoseconds of the last change, number in the file system


def state_of(path: Path) -> State:
    """What changes when a file is written or replaced; nothing lies there any more: zeros."""
    try:
        found = path.stat()
    except OSError:
        return (0, 0, 0)
    return found.st_size, found.st_mtime_ns, found.st_ino


@dataclass(frozen=True)
class LinkedCorpus:
    """A folder with links, the manifest whose paths are relative to it, and the file behind each path."""

    folder: Path
    manifest: CorpusManifest
    originals: dict[str, Path]
    states: dict[str, State]

    def changed(self) -> list[Path]:
        """Files that are not as they were when their sums were taken: what was read of them fits no sum."""
        return [path for name, path in self.originals.items() if state_of(path) != self.states[name]]

    def moved_to(self, folder: Path) -> LinkedCorpus:
        """The same corpus, its links moved into a folder that is not there yet."""
        shutil.move(self.folder, folder)
        self.folder.mkdir()  # whoever made it will want to remove it
        return replace(self, folder=folder)

    def original(self, path: Path) -> Path:
        """The file behind a link; another path is given back as it is."""
        relative = path.relative_to(self.folder) if path.is_relative_to(self.folder) else path
        return self.originals.get(relative.as_posix(), path)

    def in_own_words(self, message: str) -> str:
        """A message of the steps with the names that the caller gave instead of those of the links."""
        for path, original in self.originals.items():
            message = message.replace(str(self.folder / path), str(original))
            message = message.replace(path, str(original)).replace(Path(path).name, original.name)
        return message


def link_corpus(
    specs: Sequence[CorpusSpec],
    languages: tuple[str, str],
    into: Path,
    benchmarks: Sequence[CorpusSpec] = (),
) -> LinkedCorpus:
    """Fill the empty folder `into` with links to all files and describe them. Every file is read once, for its sum.

    Word counts are left out: they are for estimates of training. Raises BadInput naming the file for what is missing,
    and for what a reader of the steps refuses where a source has to be read to be counted.
    """
    if not specs:
        raise BadInput("no corpus was given", hint="write --corpus file.tsv")
    _refuse_missing([*specs, *benchmarks])
    placed: list[CorpusSource] = []
    originals: dict[str, Path] = {}
    contents: dict[str, Content] = {}
    states: dict[str, State] = {}
    for number, spec in enumerate((*specs, *benchmarks), start=1):
        prefix = f"{CORPUS_DATA}/{'benchmarks/' if number > len(specs) else ''}{number:02d}"
        paths = _names(spec, prefix)
        for path, original in zip(paths, spec.paths, strict=True):
            (into / path).parent.mkdir(parents=True, exist_ok=True)
            (into / path).symlink_to(original.resolve())
            originals[path] = original
            states[path] = state_of(original)
            contents[path] = read_content(original)
        pairs = _count(spec, [contents[path].lines for path in paths], languages)
        name = distinct_name(spec.name, placed)
        placed.append(CorpusSource(name=name, licence=spec.licence, format=spec.format, paths=paths, lines=pairs))
    files = [
        FileEntry(path=path, bytes=contents[path].bytes, sha256=contents[path].sha256)
        for path in sorted(contents, key=Path)
    ]
    sources = placed[: len(specs)]
    manifest = CorpusManifest(
        name=" + ".join(source.name for source in sources),
        languages=list(languages),
        sources=sources,
        files=files,
        pairs=sum(source.lines for source in sources),
        words={},
        benchmarks=placed[len(specs) :],
        fingerprint=corpus_fingerprint(files, languages, placed),
    )
    return LinkedCorpus(into, manifest, originals, states)


def _refuse_missing(specs: Sequence[CorpusSpec]) -> None:
    problems = []
    for path in dict.fromkeys(path for spec in specs for path in spec.paths):
        if path.exists() and not path.is_file():
            problems.append(f"{path} is not a regular file, and it is read more than once")
            continue
        try:
            with path.open("rb") as file:
                file.read(1)
        except OSError as error:
            problems.append(f"cannot read {path}: {error.strerror or error}")
    if problems:
        raise BadInput("\n  ".join(problems), hint="check the paths; a Moses pair is two paths joined by a comma")


def _names(spec: CorpusSpec, prefix: str) -> list[str]:
    """The paths that publishing gives a source's files."""
    same = len({path.name for path in spec.paths}) < len(spec.paths)
    return [f"{prefix}{f'-{side}' if same else ''}-{path.name}" for side, path in enumerate(spec.paths, start=1)]


def _count(spec: CorpusSpec, lines: Sequence[int], languages: tuple[str, str]) -> int:
    """Pairs of a source whose files have so many lines. What lines do not tell is left to the readers, with what is wrong."""
    from steps.prepare.sources import Unreadable, take_census
    from steps.prepare.sources.reading import read_pairs
    from steps.prepare.sources.streams import is_compressed

    try:
        if spec.format in COUNTABLE and not any(map(is_compressed, spec.paths)):
            counts = {count - COUNTABLE[spec.format] for count in lines}
            if len(counts) == 1 and min(counts) > 0:
                next(read_pairs(spec.format, spec.paths, languages, languages))  # a wrong header is not met an hour on
                return counts.pop()
        return take_census(spec.format, spec.paths, languages, languages).pairs
    except Unreadable as error:
        raise BadInput(f"{error.path} {error.problem}", hint=error.remedy) from error


def read_content(path: Path) -> Content:
    """Read a file once."""
    digest, lines, size, last = hashlib.sha256(), 0, 0, ord("\n")
    buffer = bytearray(BLOCK)
    with path.open("rb", buffering=0) as file, memoryview(buffer) as view:
        while read := file.readinto(buffer):
            digest.update(view[:read])
            lines += int(np.count_nonzero(np.frombuffer(view[:read], np.uint8) == ord("\n")))
            size += read
            last = buffer[read - 1]
    return Content(size, digest.hexdigest(), lines + (last != ord("\n")))
