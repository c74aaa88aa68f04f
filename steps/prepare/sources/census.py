"""Counts what a source holds before it is published: pairs, and words of each language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from steps.prepare.sources.lines import data_of, offsets_of
from steps.prepare.sources.reading import read_pairs

IS_SPACE = np.zeros(256, dtype=bool)
IS_SPACE[list(b" \t\n\r\v\f")] = True


@dataclass(frozen=True)
class Census:
    """Pairs of a source, and white-space separated words per language, in the order that was asked for."""

    pairs: int
    words: tuple[int, int]


def take_census(kind: str, paths: Sequence[Path], file_languages: Sequence[str], languages: tuple[str, str]) -> Census:
    """Read a whole source and count. Raises Unreadable for what cannot be read."""
    pairs = left = right = 0
    for table in read_pairs(kind, paths, file_languages, languages):
        pairs += len(table)
        left += sum(map(count_words, table["left"].chunks))
        right += sum(map(count_words, table["right"].chunks))
    return Census(pairs, (left, right))


def count_words(texts: pa.LargeBinaryArray) -> int:
    """Words of all texts together, parted by ASCII white space: what `bytes.split` finds."""
    offsets = offsets_of(texts)
    data = data_of(texts)[offsets[0] : offsets[-1]]
    ink = ~IS_SPACE[data]
    starts = (offsets[:-1] - offsets[0])[np.diff(offsets) > 0]  # of texts that are not blank
    begins = ink[starts]
    begins[1:] &= ink[starts[1:] - 1]  # the others follow white space and are counted with the rest
    within = int(np.count_nonzero(ink[1:] & ~ink[:-1]))
    return within + int(np.count_nonzero(begins))
