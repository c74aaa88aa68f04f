"""Publishes a corpus: copies its files into a content-hashed folder and writes the manifest that the steps read.

Only what the manifest needs is looked at: lines, words and the header. Decoding and judging rows is PrepareCorpus' work.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pipeline.errors import BadInput
from pipeline.staging.folder import copy, settle, workplace
from steps.contract import CORPUS_DATA, CorpusManifest, CorpusSource
from steps.sums import fingerprint_of, list_files

UNSTATED = "not stated"


@dataclass(frozen=True)
class CorpusSpec:
    """One source to publish: a TSV file, or a Moses pair with one file per language in the languages' order."""

    name: str
    licence: str
    format: Literal["tsv", "moses"]
    paths: tuple[Path, ...]


@dataclass(frozen=True)
class Census:
    """What one file holds: lines ended by LF (or by the end of the file), and words per column that was counted."""

    lines: int
    words: tuple[int, ...]


def parse_spec(text: str, licence: str = UNSTATED) -> CorpusSpec:
    """`file.tsv`, or a Moses pair as two paths joined by a comma. Raises BadInput for anything else."""
    if Path(text).is_file():  # a name may hold a comma
        return CorpusSpec(Path(text).stem, licence, "tsv", (Path(text),))
    paths = tuple(Path(part.strip()) for part in text.split(","))
    if len(paths) > 2 or not all(part.strip() for part in text.split(",")):
        raise BadInput(
            f"a corpus is one TSV file or a Moses pair, not {text!r}",
            hint="write --corpus file.tsv, or --corpus file.en,file.ig",
        )
    return CorpusSpec(paths[0].stem, licence, "tsv" if len(paths) == 1 else "moses", paths)


def publish_corpus(specs: Sequence[CorpusSpec], languages: tuple[str, str], into: Path) -> CorpusManifest:
    """Publish sources as `into/<fingerprint>/`, whole or not at all; the same bytes give the same folder.

    Raises BadInput naming the file when one is missing, empty, UTF-16, only a header, without the language columns, or
    when the two files of a Moses pair differ in their number of lines.
    """
    if not specs:
        raise BadInput("no corpus was given", hint="write --corpus file.tsv")
    for spec in specs:
        for path in spec.paths:
            _check_file(path)
    with workplace(into) as place:
        sources: list[CorpusSource] = []
        totals = dict.fromkeys(languages, 0)
        for number, spec in enumerate(specs, start=1):
            counts = _count_tsv(spec, languages) if spec.format == "tsv" else _count_moses(spec)
            sources.append(_place(spec, _distinct(spec.name, sources), number, counts.lines, place))
            for language, words in zip(languages, counts.words, strict=True):
                totals[language] += words
        files = list_files(place)
        fingerprint = fingerprint_of(files)
        manifest = CorpusManifest(
            name=" + ".join(source.name for source in sources),
            languages=list(languages),
            sources=sources,
            files=files,
            pairs=sum(source.lines for source in sources),
            words=totals,
            fingerprint=fingerprint,
        )
        return settle(place, into, manifest, fingerprint)


def _distinct(name: str, sources: Sequence[CorpusSource]) -> str:
    """The name, numbered when an earlier source has it: rows are named after their source."""
    taken = {source.name for source in sources}
    return next(
        word for word in (name, *(f"{name}-{number}" for number in range(2, len(taken) + 3))) if word not in taken
    )


def _place(spec: CorpusSpec, name: str, number: int, lines: int, place: Path) -> CorpusSource:
    """Copy a source's files below `data/`, numbered, since two sources may use the same file name."""
    paths = [f"{CORPUS_DATA}/{number:02d}-{path.name}" for path in spec.paths]
    for path, relative in zip(spec.paths, paths, strict=True):
        copy(path, place / relative)
    return CorpusSource(name=name, licence=spec.licence, format=spec.format, paths=paths, lines=lines)


def _check_file(path: Path) -> None:
    """Raises BadInput for a file that is missing, unreadable, empty or UTF-16."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise BadInput(f"cannot read the corpus {path}: {error.strerror or error}", hint="check the path") from error
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise BadInput(
            f"{path} is UTF-16, not UTF-8", hint=f"iconv -f UTF-16 -t UTF-8 {path} > {path.stem}.utf8{path.suffix}"
        )
    if not start.removeprefix(codecs.BOM_UTF8):
        raise BadInput(f"the corpus {path} is empty", hint="give a file with at least one pair")


def _count_tsv(spec: CorpusSpec, languages: tuple[str, str]) -> Census:
    """Pairs below the header, and words in the two language columns."""
    [path] = spec.paths
    lines, words = 0, [0, 0]
    with path.open("rb") as file:
        header = _columns(file.readline())
        missing = [language for language in languages if header.count(language) != 1]
        if missing:
            raise BadInput(
                f"{path}: line 1 must name one column for each of {' and '.join(languages)};"
                f" {' and '.join(missing)} is not there once. Columns found: {', '.join(header)}",
                hint="add a header line such as: id<TAB>" + "<TAB>".join(languages),
            )
        places = [header.index(language) for language in languages]
        for line in file:
            lines += 1
            cells = line.split(b"\t")
            for side, column in enumerate(places):
                words[side] += len(cells[column].split()) if column < len(cells) else 0
    if not lines:
        raise BadInput(f"{path} has a header and no pair below it", hint="add at least one line of text")
    return Census(lines, tuple(words))


def _columns(line: bytes) -> list[str]:
    """Names in a header line; a byte order mark before the first is no part of it."""
    text = line.removeprefix(codecs.BOM_UTF8).decode("utf-8", "replace")
    return [name.strip() for name in text.split("\t")]


def _count_moses(spec: CorpusSpec) -> Census:
    """Lines, which must agree, and words of the two files."""
    counts = [_count_plain(path) for path in spec.paths]
    first, second = counts
    if first.lines != second.lines:
        raise BadInput(
            f"{spec.paths[0]} has {first.lines} lines and {spec.paths[1]} has {second.lines}:"
            " line i of one must translate line i of the other",
            hint="find the missing line; nothing can be paired until the counts agree",
        )
    return Census(first.lines, (first.words[0], second.words[0]))


def _count_plain(path: Path) -> Census:
    lines = words = 0
    with path.open("rb") as file:
        for line in file:
            lines += 1
            words += len(line.split())
    return Census(lines, (words,))
