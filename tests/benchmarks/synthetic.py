"""The synthetic corpus: a Moses pair of any size with a label for every row.

    python -m tests.benchmarks.synthetic --rows 100000 --out build/synthetic

What it is not: text. Three-word chunks of real English and Igbo sentences stand in random order, and the two sides of a
pair do not mean the same. It has the lengths, letters and noise of a mined corpus, so it measures speed, memory and
whether planted noise is found. It says nothing about what a rule costs on real translations: that is measured on real
ones.

Labels. The first two columns of a row's fate are what `tests.benchmarks.noise` checks.

    good            a pair of its own
    duplicate       an earlier good pair again: the same bytes, or other case, end mark or apostrophes
    near-copy       an earlier good pair with one word changed on one side or on both; Jaccard stays at 0.8 or more
    wrong-language  one side or both in French, Spanish, German or Swahili, or a target that is other English
    misaligned      the target is five times too short or too long, as a fragment or several lines run together are
    shifted         between two lost lines each target is the one of the row before; lengths are plausible
    copied          the target is the source again
    blank           nothing on one side: the blank line that shifts every later pair for a reader that leaves it out
    empty           white or invisible characters only, on one side or both
    template        one of five sentences with other numbers
    nfd             a good pair, decomposed
    mojibake        a good pair whose target was read as cp1252 or Latin-1 and written as UTF-8
    control         a good pair with NUL, U+2028, U+0085, CR, VT or a zero-width space for a space
    undecodable     a good pair with bytes that are not UTF-8
    over-long       a good pair of about 1,700 characters a side
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tests.benchmarks import damage
from tests.benchmarks.design import CODE, LABELS, Rows, design, draw
from tests.benchmarks.sentences import sentences
from tests.benchmarks.vocabulary import Vocabulary, find_sample, read_vocabulary

SLICE = 100_000  # rows in memory at once
LABELS_FILE = "labels.parquet"
LABEL_SCHEMA = pa.schema(
    [
        ("row", pa.uint64()),  # from 0
        ("label", pa.dictionary(pa.int8(), pa.string())),
        ("of", pa.int64()),  # the row that a duplicate or near-copy repeats
        ("clean_left", pa.string()),  # what repair must give back, where there is something to repair
        ("clean_right", pa.string()),
    ]
)
RESTORED = ("nfd", "mojibake", "control")


class Slice(NamedTuple):
    """Lines of both sides with their b"\\n", and the labels' table."""

    left: pa.LargeBinaryArray
    right: pa.LargeBinaryArray
    labels: pa.Table


def _damaged(label: str, side: int, choice: int, sentence: bytes) -> bytes:
    """One sentence of a row that is made or damaged by itself."""
    made = sentence
    here = choice // 16 % 2 == side  # where one side is enough
    if label == "template":
        made = damage.filled_template(choice, side)
    elif label == "nfd":
        made = damage.decomposed(sentence)
    elif label == "mojibake" and side == 1:
        made = damage.mojibake(sentence, choice // 32)
    elif label == "empty" and (here or choice // 64 % 4 == 0):
        made = damage.blank(choice // 256 + side)
    elif label == "blank" and here:
        made = b""
    elif label == "control" and here:
        made = damage.with_control(sentence, choice // 32)
    elif label == "undecodable" and here:
        made = damage.undecodable(sentence, choice // 32)
    return made


def _choices(rows: Rows, choice: npt.NDArray[np.uint64], places: npt.NDArray[np.intp]) -> list[int]:
    """What decides on the damage; where a shifted block begins it is the target that is lost."""
    numbers = choice[places] >> np.uint64(8)
    begins = np.append(rows.codes[1:] == CODE["shifted"], False)[places] & (rows.codes[places] == CODE["blank"])
    numbers[begins] |= np.uint64(16)
    return [int(number) for number in numbers]


def make_slice(seed: int, start: int, stop: int, words: Vocabulary) -> Slice:
    """Rows start to stop with their labels."""
    rows = design(seed, start, stop)
    choice = draw(seed, "choice", rows.numbers)
    single = rows.are("template", "nfd", "mojibake", "empty", "control", "undecodable", "blank")
    places = np.flatnonzero(single)
    names = [LABELS[code] for code in rows.codes[places]]
    numbers = _choices(rows, choice, places)
    restored = [place for place, name in enumerate(names) if name in RESTORED]
    sides, clean = [], []
    for side in (0, 1):
        lines = sentences(seed, rows, side, words, choice)
        texts = [line[:-1] for line in lines.take(pa.array(places)).to_pylist()]
        made = [_damaged(*given) + b"\n" for given in zip(names, [side] * len(names), numbers, texts, strict=True)]
        sides.append(pc.replace_with_mask(lines, pa.array(single), pa.array(made, pa.large_binary())))
        originals = np.full(stop - start, None, dtype=object)
        originals[places[restored]] = [texts[place].decode() for place in restored]
        clean.append(pa.array(originals, pa.string()))
    table = pa.table(
        [
            pa.array(rows.numbers.astype(np.uint64)),
            pa.DictionaryArray.from_arrays(pa.array(rows.codes.astype(np.int8)), pa.array(LABELS)),
            pa.array(rows.of, mask=rows.of == rows.numbers),
            *clean,
        ],
        schema=LABEL_SCHEMA,
    )
    return Slice(sides[0], sides[1], table)


def slices(rows: int, seed: int, words: Vocabulary) -> Iterator[Slice]:
    """The whole corpus, a slice at a time."""
    for start in range(0, rows, SLICE):
        yield make_slice(seed, start, min(rows, start + SLICE), words)


def data_of(lines: pa.LargeBinaryArray) -> memoryview:
    """The bytes of consecutive lines."""
    offsets = np.frombuffer(lines.buffers()[1], dtype=np.int64)
    first, last = offsets[lines.offset], offsets[lines.offset + len(lines)]
    return memoryview(lines.buffers()[2])[first:last]


def write_corpus(folder: Path, rows: int, seed: int, words: Vocabulary) -> tuple[Path, Path]:
    """Write synthetic.en, synthetic.ig, labels.parquet and, last, synthetic.json; return the two sides.

    A folder that already holds this corpus is left alone.
    """
    paths = folder / "synthetic.en", folder / "synthetic.ig"
    facts = {"rows": rows, "seed": seed, "chunks_from": words.origin, "pieces": len(words.pieces)}
    sealed = folder / "synthetic.json"
    if sealed.is_file() and json.loads(sealed.read_text(encoding="utf-8")) == facts:
        return paths
    folder.mkdir(parents=True, exist_ok=True)
    sealed.unlink(missing_ok=True)
    with (
        paths[0].open("wb") as left,
        paths[1].open("wb") as right,
        pq.ParquetWriter(folder / LABELS_FILE, LABEL_SCHEMA, compression="zstd") as labels,
    ):
        for piece in slices(rows, seed, words):
            left.write(data_of(piece.left))
            right.write(data_of(piece.right))
            labels.write_table(piece.labels)
    sealed.write_text(json.dumps(facts) + "\n", encoding="utf-8")
    return paths


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Write the synthetic corpus with its labels.")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--phrasebook", action="store_true", help="chunks of the bundled phrasebook, not of the sample")
    given = parser.parse_args()
    words = read_vocabulary(None if given.phrasebook else find_sample())
    left, right = write_corpus(given.out, given.rows, given.seed, words)
    sys.stdout.write(
        f"{given.rows:,} pairs of chunks of {words.origin}: {left.stat().st_size / given.rows:.1f} and"
        f" {right.stat().st_size / given.rows:.1f} bytes a line\n"
    )


if __name__ == "__main__":
    main()
