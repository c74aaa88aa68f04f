"""What is taken from a translation unit: the texts of the two languages, and what is odd about it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from steps.prepare.sources import lines
from steps.prepare.sources.lines import clip
from steps.prepare.sources.pairs import MALFORMED, Marks
from steps.prepare.sources.refusal import some

LANGUAGE_ATTRIBUTES = ("{http://www.w3.org/XML/1998/namespace}lang", "lang")  # TMX 1.4; TMX 1.1
MARKUP = {"bpt", "ept", "ph", "it", "ut"}  # hold the codes of the original format, not text
Variant = tuple[str, bytes, int]  # language code as written, text, bytes of the text before clipping


class Units:
    """Target of an XML parser that makes a row of every unit. Holds the rows since the last `table()` only."""

    def __init__(self, languages: tuple[str, str]) -> None:
        self.languages = languages
        self.languages_found: set[str] = set()
        self.found_both = False
        self.rows = 0
        self._clear()
        self._variants: list[Variant] = []
        self._code = ""
        self._within: list[str] = []  # names of the open elements, from <seg> on
        self._text: list[str] = []
        self._characters = self._left_out = 0

    def _clear(self) -> None:
        self._sides: tuple[list[bytes], list[bytes]] = ([], [])
        self._sizes: tuple[list[int], list[int]] = ([], [])
        self._malformed: dict[int, str] = {}
        self._ambiguous: dict[int, str] = {}
        self.rows = 0

    def table(self) -> pa.Table:
        """The rows read since the last call, with the columns of `pairs.PAIRS`."""
        marks = Marks(self.rows)
        marks.mark(np.array(list(self._ambiguous), dtype=np.int64), None, list(self._ambiguous.values()))
        marks.mark(np.array(list(self._malformed), dtype=np.int64), MALFORMED, list(self._malformed.values()))
        marks.too_long(*(np.array(sizes, dtype=np.int64) for sizes in self._sizes))
        left, right = (pa.array(side, pa.large_binary()) for side in self._sides)
        self._clear()
        return marks.table(left, right)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        """An element begins."""
        name = tag.rpartition("}")[2]
        if self._within or name == "seg":
            self._within.append(name)
        elif name == "tu":
            self._variants = []
        elif name == "tuv":
            self._code = next((attributes[key] for key in LANGUAGE_ATTRIBUTES if key in attributes), "").strip()
            self._text, self._characters, self._left_out = [], 0, 0

    def data(self, text: str) -> None:
        """Characters, as many at a time as the parser has."""
        if not self._within or self._within[-1] in MARKUP:
            return
        if self._characters <= lines.MAX_LINE_BYTES:
            self._text.append(text)
            self._characters += len(text)
        else:
            self._left_out += len(text.encode())

    def end(self, tag: str) -> None:
        """An element ends."""
        if self._within:
            self._within.pop()
            return
        name = tag.rpartition("}")[2]
        if name == "tuv":
            text = "".join(self._text).encode()
            size = len(text) + self._left_out
            self._variants.append((self._code, clip(text) if size > lines.MAX_LINE_BYTES else text, size))
        elif name == "tu":
            self._add()

    def close(self) -> None:
        """The file ends."""

    def _add(self) -> None:
        """Make a row of the unit's variants."""
        codes = [code for code, _, _ in self._variants]
        self.languages_found.update(filter(None, codes))
        left = matching(codes, *self.languages)
        right = matching(codes, *reversed(self.languages))
        if left and right and left[0] == right[0]:
            right = []  # a plain "pt" cannot be both pt-BR and pt-PT
        for places, texts, sizes in zip((left, right), self._sides, self._sizes, strict=True):
            _, text, size = self._variants[places[0]] if places else ("", b"", 0)
            texts.append(text)
            sizes.append(size)
        if left and right:
            self.found_both = True
        else:
            self._malformed[self.rows] = f"has {some(codes)}"
        odd = [
            f"{len(places)} of {language}: {some([codes[place] for place in places])}"
            for places, language in zip((left, right), self.languages, strict=True)
            if len(places) > 1
        ]
        if odd:
            self._ambiguous[self.rows] = "; ".join(odd)
        self.rows += 1


def matching(codes: list[str], wanted: str, other: str) -> list[int]:
    """Places of the variants that are in the wanted language, the one to take first.

    The exact code goes before a code of the same primary subtag (en-US for en). One that is exactly the other language
    of the pair is never taken.
    """
    written = [code.replace("_", "-").casefold() for code in codes]
    exact = [place for place, code in enumerate(written) if code == wanted.casefold()]
    primary = wanted.casefold().partition("-")[0]
    regional = [
        place
        for place, code in enumerate(written)
        if code.partition("-")[0] == primary and code not in (wanted.casefold(), other.casefold())
    ]
    return exact + regional
