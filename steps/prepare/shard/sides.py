"""Both sides of many pairs, and what the rules measure of them. Every measure is taken once, when first asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from steps.languages import Language
from steps.prepare.characters import Flags, Places, Rows, letters_of
from steps.prepare.folding import Folded, fold_rows

CASE, LATIN_LETTERS = np.uint8(0x20), np.uint8(26)  # the bit in which a and A differ; letters of ASCII

Counts = npt.NDArray[np.int64]


class Side:
    """One side of n pairs: repaired texts, their language, their bytes."""

    def __init__(self, texts: pa.Array, rows: Rows, language: Language) -> None:
        """`rows` holds the same texts as `texts`, a large_string array."""
        self.texts = texts
        self.rows = rows
        self.language = language

    def some(self, places: Places) -> list[str]:
        """The texts of some rows."""
        chosen: list[str] = self.texts.take(pa.array(places)).to_pylist()
        return chosen

    def text(self, row: int) -> str:
        """The text of one row."""
        return str(self.texts[row].as_py())

    @cached_property
    def lengths(self) -> Counts:
        """Characters of every row."""
        rows, points = self.rows, self.rows.points
        extra = 1 + (points >= 0x800).astype(np.int64) + (points >= 0x10000)
        return rows.ends - rows.starts - self._per_row(extra)

    @cached_property
    def letters(self) -> Counts:
        """Letters and marks of the language's scripts in every row."""
        table, data = letters_of(self.language.scripts), self.rows.data
        counts = self._per_row(table[self.rows.points].astype(np.int64))
        if table[ord("a")]:  # all letters of ASCII are Latin
            counts += self.rows.count((data | CASE) - np.uint8(ord("a")) < LATIN_LETTERS)
        return counts

    @cached_property
    def folded(self) -> Folded:
        """Folded words of all rows."""
        return fold_rows(self.rows, self.language)

    def _per_row(self, amounts: Counts) -> Counts:
        """Sums over every row of an amount per character beyond ASCII."""
        sums = np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(amounts, dtype=np.int64)))
        return np.diff(sums[self.rows.places_before], prepend=0)

    def with_character(self, table: Flags) -> Flags:
        """Rows that hold a character beyond ASCII that the table marks."""
        found = np.zeros(len(self.rows.ends), dtype=np.bool_)
        found[self.rows.row_of(self.rows.places[table[self.rows.points]])] = True
        return found


@dataclass(frozen=True)
class Pairs:
    """n pairs as the rules see them. `flaws` holds, by row, the rule that the reader found broken, and what it found."""

    left: Side
    right: Side
    flaws: Mapping[int, tuple[str, str | None]]

    def __len__(self) -> int:
        return len(self.left.texts)

    @property
    def sides(self) -> tuple[Side, Side]:
        """Source, then target."""
        return self.left, self.right
