"""Publishes a corpus: copies its files into a content-hashed folder and writes the manifest that the steps read.

Files stay as they are, compressed or not. They are read once before, by the readers of PrepareCorpus, to count pairs and
words: what these readers refuse is refused here, in seconds. Judging rows is PrepareCorpus' work.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pipeline.errors import BadInput
from pipeline.staging.folder import copy, settle, workplace
from steps.contract import CORPUS_DATA, CorpusManifest, CorpusSource, FileEntry
from steps.sums import fingerprint_of, list_files

if TYPE_CHECKING:
    from steps.prepare.sources import Census

UNSTATED = "not stated"
Format = Literal["tsv", "moses", "jsonl", "tmx", "parquet"]
SUFFIXES: dict[str, Format] = {
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".tmx": "tmx",
    ".parquet": "parquet",
}
COMPRESSED = (".gz", ".zst")


@dataclass(frozen=True)
class CorpusSpec:
    """One source to publish: a file, or a Moses pair with one file per language in the languages' order."""

    name: str
    licence: str
    format: Format
    paths: tuple[Path, ...]


def parse_spec(text: str, licence: str = UNSTATED) -> CorpusSpec:
    """A file, or a Moses pair as two paths joined by a comma. Raises BadInput for anything else.

    The suffix below .gz or .zst names the format; a file with another suffix is TSV.
    """
    if Path(text).is_file():  # a name may hold a comma
        return _file_spec(Path(text), licence)
    paths = tuple(Path(part.strip()) for part in text.split(","))
    if len(paths) > 2 or not all(part.strip() for part in text.split(",")):
        raise BadInput(
            f"a corpus is one file (TSV, JSONL, TMX or Parquet) or a Moses pair, not {text!r}",
            hint="write --corpus file.tsv, or --corpus file.en,file.ig",
        )
    if len(paths) == 2:
        return CorpusSpec(_uncompressed(paths[0]).stem, licence, "moses", paths)
    return _file_spec(paths[0], licence)


def _file_spec(path: Path, licence: str) -> CorpusSpec:
    plain = _uncompressed(path)
    return CorpusSpec(plain.stem, licence, SUFFIXES.get(plain.suffix.lower(), "tsv"), (path,))


def _uncompressed(path: Path) -> Path:
    """The path without a suffix that names a compression."""
    return path.with_suffix("") if path.suffix.lower() in COMPRESSED and path.stem else path


def publish_corpus(
    specs: Sequence[CorpusSpec], languages: tuple[str, str], into: Path, benchmarks: Sequence[CorpusSpec] = ()
) -> CorpusManifest:
    """Publish sources as `into/<fingerprint>/`, whole or not at all; the same bytes, names and licences give the same folder.

    `benchmarks` are published beside them, as evaluation sets that preparation keeps out of every split.
    Raises BadInput naming the file for what is missing and for all that the readers of the steps refuse: empty, cut
    off, UTF-16, without the languages' columns, Moses files that differ in their number of lines, and so on.
    """
    if not specs:
        raise BadInput("no corpus was given", hint="write --corpus file.tsv")
    censuses = [_census(spec, languages) for spec in (*specs, *benchmarks)]
    with workplace(into) as place:
        placed: list[CorpusSource] = []
        for number, (spec, census) in enumerate(zip((*specs, *benchmarks), censuses, strict=True), start=1):
            folder = f"{CORPUS_DATA}/benchmarks" if number > len(specs) else CORPUS_DATA
            placed.append(_place(spec, distinct_name(spec.name, placed), f"{folder}/{number:02d}", census.pairs, place))
        sources, counted = placed[: len(specs)], censuses[: len(specs)]
        files = list_files(place)
        fingerprint = corpus_fingerprint(files, languages, placed)
        manifest = CorpusManifest(
            name=" + ".join(source.name for source in sources),
            languages=list(languages),
            sources=sources,
            files=files,
            pairs=sum(source.lines for source in sources),
            words={language: sum(census.words[side] for census in counted) for side, language in enumerate(languages)},
            benchmarks=placed[len(specs) :],
            fingerprint=fingerprint,
        )
        return settle(place, into, manifest, fingerprint)


def _census(spec: CorpusSpec, languages: tuple[str, str]) -> Census:
    """Read a source whole and count it. Raises BadInput for what cannot be read."""
    from steps.prepare.sources import Unreadable, take_census

    try:
        for path in spec.paths:
            path.open("rb").close()
        return take_census(spec.format, spec.paths, languages, languages)
    except OSError as error:
        named = error.filename or " and ".join(map(str, spec.paths))
        raise BadInput(f"cannot read the corpus {named}: {error.strerror or error}", hint="check the path") from error
    except Unreadable as error:
        raise BadInput(f"{error.path} {error.problem}", hint=error.remedy) from error


def corpus_fingerprint(files: list[FileEntry], languages: tuple[str, str], placed: Sequence[CorpusSource]) -> str:
    """A sum over the bytes and over what the manifest says of them: one TMX file may be two corpora."""
    said = [fingerprint_of(files), *languages, *(source.model_dump_json() for source in placed)]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()


def distinct_name(name: str, sources: Sequence[CorpusSource]) -> str:
    """The name, numbered when an earlier source has it: rows are named after their source."""
    taken = {source.name for source in sources}
    return next(
        word for word in (name, *(f"{name}-{number}" for number in range(2, len(taken) + 3))) if word not in taken
    )


def _place(spec: CorpusSpec, name: str, prefix: str, lines: int, place: Path) -> CorpusSource:
    """Copy a source's files below a folder, numbered, since two sources or sides may use the same file name."""
    same = len({path.name for path in spec.paths}) < len(spec.paths)
    paths = [f"{prefix}{f'-{side}' if same else ''}-{path.name}" for side, path in enumerate(spec.paths, start=1)]
    for path, relative in zip(spec.paths, paths, strict=True):
        copy(path, place / relative)
    return CorpusSource(name=name, licence=spec.licence, format=spec.format, paths=paths, lines=lines)
