"""One row of a corpus: the value that flows through the whole step."""

from __future__ import annotations

from typing import NamedTuple

Texts = tuple[str, str]  # the source language's sentence, then the target language's
REPLACEMENT = "\ufffd"  # what bytes that are not UTF-8 become when a row is read


class Row(NamedTuple):
    """One pair with its place. `number` counts the rows of its source from 1, a header not counted."""

    source: str
    number: int
    texts: Texts
    malformed: bool = False  # a TSV row whose number of columns is not the header's

    @property
    def id(self) -> str:
        """The row's name in every output; the same on each run over the same corpus."""
        return f"{self.source}:{self.number}"
