"""Opens a published corpus and reads its rows: TSV and Moses pairs, as bytes, broken into lines at b"\\n" only.

Text-mode reading also breaks lines at CR, and `splitlines` at U+2028, NEL, VT and FF: one such character inside a
sentence would shift every later pair of a Moses corpus. Iterating over a binary file has no such trap.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path

from steps import contract, sums
from steps.contract import CorpusManifest, CorpusSource
from steps.job import Refused
from steps.prepare.row import REPLACEMENT, Row

MAX_UNDECODABLE_SHARE = 0.01  # more than this is a wrong encoding, not noise
MIN_UNDECODABLE_ROWS = 10  # fewer say nothing about a file's encoding

BytesPair = tuple[bytes, bytes, bool]  # both sides in order of the languages, and whether the row is malformed


def open_corpus(folder: Path, languages: tuple[str, str]) -> CorpusManifest:
    """The manifest of a corpus whose files are whole. Raises Refused for damage or for other languages."""
    manifest = contract.load(folder / contract.MANIFEST, CorpusManifest)
    if set(manifest.languages) != set(languages):
        raise Refused(f"the corpus holds {'-'.join(manifest.languages)}, this pipeline needs {'-'.join(languages)}")
    problems = sums.damaged_files(folder, manifest.files)
    known = {entry.path for entry in manifest.files}
    for source in manifest.sources:
        problems += [f"{path} has no sum in the manifest" for path in source.paths if path not in known]
        expected = 1 if source.format == "tsv" else 2
        if len(source.paths) != expected:
            problems.append(f"source {source.name} lists {len(source.paths)} files instead of {expected}")
    names = [source.name for source in manifest.sources]
    problems += [f"source name {name} is used twice" for name in sorted(set(names)) if names.count(name) > 1]
    if problems:
        raise Refused(f"the published corpus is damaged: {'; '.join(problems)}. Publish it again.")
    return manifest


def read_corpus(folder: Path, manifest: CorpusManifest, languages: tuple[str, str]) -> Iterator[Row]:
    """Every row of every source, in order, unrepaired. Raises Refused naming the file that cannot be read."""
    for source in manifest.sources:
        paths = [folder / path for path in source.paths]
        if source.format == "moses":
            by_language = dict(zip(manifest.languages, paths, strict=True))
            pairs = moses_pairs(by_language[languages[0]], by_language[languages[1]])
        else:
            pairs = tsv_pairs(paths[0], languages)
        yield from decoded(pairs, source)


def file_lines(path: Path) -> Iterator[bytes]:
    """Lines of a file without their b"\\n" and without a byte order mark. Raises Refused when empty or UTF-16."""
    with path.open("rb") as file:
        start = file.read(len(codecs.BOM_UTF8))
        if not start:
            raise Refused(f"{path.name} is empty")
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            raise Refused(f"{path.name} is UTF-16. Convert it: iconv -f UTF-16 -t UTF-8")
        if start != codecs.BOM_UTF8:
            file.seek(0)
        for line in file:
            yield line.removesuffix(b"\n")


def tsv_pairs(path: Path, languages: tuple[str, str]) -> Iterator[BytesPair]:
    """Pairs of a TSV file: a header line names the columns, quotes mean nothing. A missing column is a blank."""
    lines = file_lines(path)
    header = [name.strip() for name in next(lines, b"").decode("utf-8", "replace").split("\t")]
    for language in languages:
        if header.count(language) != 1:
            raise Refused(
                f"{path.name}: the header has {header.count(language)} columns named {language!r} instead of one;"
                f" its columns are: {', '.join(header)}"
            )
    left, right = (header.index(language) for language in languages)
    for line in lines:
        cells = line.split(b"\t")
        malformed = len(cells) != len(header)
        cells += [b""] * (len(header) - len(cells))
        yield cells[left], cells[right], malformed


def moses_pairs(left: Path, right: Path) -> Iterator[BytesPair]:
    """Line i of one file with line i of the other. Raises Refused when one file is longer, at its end."""
    counts = [0, 0]
    for pair in zip_longest(file_lines(left), file_lines(right)):
        counts = [count + (side is not None) for count, side in zip(counts, pair, strict=True)]
        if pair[0] is not None and pair[1] is not None:
            yield pair[0], pair[1], False
    if counts[0] != counts[1]:
        raise Refused(
            f"{left.name} has {counts[0]} lines and {right.name} has {counts[1]}: line i of one must translate"
            " line i of the other, so a line is missing and pairs after it would be wrong"
        )


def decoded(pairs: Iterator[BytesPair], source: CorpusSource) -> Iterator[Row]:
    """Rows of one source. Raises Refused at the end when there were none, or too many were not UTF-8."""
    number = first_bad = bad = 0
    for number, (left, right, malformed) in enumerate(pairs, start=1):
        texts = left.decode("utf-8", "replace"), right.decode("utf-8", "replace")
        if REPLACEMENT in texts[0] or REPLACEMENT in texts[1]:
            bad += 1
            first_bad = first_bad or number
        yield Row(source.name, number, texts, malformed)
    files = " and ".join(Path(path).name for path in source.paths)
    if number == 0:
        raise Refused(f"{files}: there is a header and no pair below it")
    if bad >= MIN_UNDECODABLE_ROWS and bad > MAX_UNDECODABLE_SHARE * number:
        raise Refused(
            f"{files}: {bad} of {number} rows are not UTF-8, the first is row {first_bad}. At most"
            f" {MAX_UNDECODABLE_SHARE:.0%} may be; find the file's encoding and convert it with iconv"
        )
