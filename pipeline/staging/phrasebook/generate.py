"""Draws the corpus and the monolingual text from the frames. The same seed gives the same rows on every machine."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import cache
from random import Random
from typing import NamedTuple

from pipeline.staging.phrasebook.actions import STATEMENTS, Frame
from pipeline.staging.phrasebook.clauses import Pair
from pipeline.staging.phrasebook.dirt import dirty_rows, worn
from pipeline.staging.phrasebook.requests import REQUESTS
from pipeline.staging.phrasebook.scenes import SCENES

FRAMES = (*STATEMENTS, *REQUESTS, *SCENES)
LANGUAGES = ("en", "ig")
MONOLINGUAL_SHARE = 2  # monolingual sentences per language for each pair of the corpus, where a frame has so many
ROUND = 16  # candidates per draw


class PhraseRow(NamedTuple):
    """One row of the corpus."""

    id: str
    en: str
    ig: str


def folded(text: str) -> str:
    """Composed letters, marks and digits of a sentence without case: equal for what preparation calls the same."""
    composed = unicodedata.normalize("NFC", text).casefold()
    return "".join(sign for sign in composed if unicodedata.category(sign)[0] in "LMN")


def clean_pairs(seed: int) -> list[Pair]:
    """Distinct pairs: no sentence occurs twice on either side, so each has one translation."""
    hat = _Hat(f"{seed}/corpus", slice(0, None, 2))
    return [texts for frame, count in FRAMES for texts in hat.draw(frame, count)]


def corpus(seed: int = 17) -> list[PhraseRow]:
    """The bundled corpus in random order: clean pairs, some of them in need of repair, and about 3 % dirty rows."""
    rng = Random(f"{seed}/dirt")  # noqa: S311
    pairs = clean_pairs(seed)
    rows = list(enumerate([*worn(pairs, rng), *dirty_rows(pairs, rng)]))
    rng.shuffle(rows)
    texts = [texts for _, texts in _originals_first(rows)]
    return [PhraseRow(f"phrase-{number:04d}", en, ig) for number, (en, ig) in enumerate(texts, start=1)]


def _originals_first(rows: list[tuple[int, Pair]]) -> list[tuple[int, Pair]]:
    """Among rows that preparation calls the same the lowest number comes first, since the first is the one it keeps."""
    places: dict[tuple[str, ...], list[int]] = {}
    for place, (_, texts) in enumerate(rows):
        places.setdefault(tuple(map(folded, texts)), []).append(place)
    ordered = list(rows)
    for same in places.values():
        for place, row in zip(same, sorted(rows[place] for place in same), strict=True):
            ordered[place] = row
    return ordered


def monolingual(seed: int, excluding: Iterable[str]) -> tuple[list[str], list[str]]:
    """English sentences and Igbo sentences, none of them among `excluding` and none the translation of another.

    A pair is passed over when either side is excluded. Of each drawn pair the side is taken whose rarest word was taken
    less often, so that both languages show their whole vocabulary.
    """
    hat = _Hat(f"{seed}/monolingual", slice(1, None, 2), excluding)
    sides: tuple[list[str], list[str]] = ([], [])
    uses: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
    for frame, count in FRAMES:
        for turn, texts in enumerate(hat.draw(frame, 2 * MONOLINGUAL_SHARE * count)):
            order = (turn % 2, 1 - turn % 2)
            side = min(order, key=lambda side: min(map(uses[side].__getitem__, texts[side].split())))
            sides[side].append(texts[side])
            uses[side].update(texts[side].split())
    for sentences in sides:
        hat.shuffle(sentences)
    return sides


class _Hat:
    """Draws pairs without putting them back, and remembers the words and sentences that were drawn.

    Of several pairs taken at random the one with the rarest word so far is drawn: else a word that enters into few
    combinations, such as the perfect of "sleep", would hardly occur among those that enter into thousands.
    """

    def __init__(self, seed: str, half: slice, seen: Iterable[str] = ()) -> None:
        self._half = half
        self._random = Random(seed)  # noqa: S311
        self._seen = {folded(text) for text in seen}
        self._uses: Counter[str] = Counter()

    def draw(self, frame: Frame, count: int) -> list[Pair]:
        """At most `count` pairs of a frame, with no sentence that was drawn or excluded before."""
        pool = list(_candidates(frame)[self._half])
        drawn: list[Pair] = []
        while pool and len(drawn) < count:
            places = [self._random.randrange(len(pool)) for _ in range(ROUND)]
            place = min(places, key=lambda place: self._rarest(pool[place]))
            pool[place], pool[-1] = pool[-1], pool[place]
            texts = pool.pop()
            keys = {folded(text) for text in texts}
            if len(keys) == len(texts) and self._seen.isdisjoint(keys):
                self._seen |= keys
                self._uses.update(_tokens(texts))
                drawn.append(texts)
        return drawn

    def shuffle(self, sentences: list[str]) -> None:
        """Put sentences into random order."""
        self._random.shuffle(sentences)

    def _rarest(self, texts: Pair) -> int:
        """How often the rarest word of a pair was drawn."""
        return min(map(self._uses.__getitem__, _tokens(texts)))


def _tokens(texts: Pair) -> list[str]:
    return [*texts[0].split(), *texts[1].split()]


@cache
def _candidates(frame: Frame) -> tuple[Pair, ...]:
    """All pairs of a frame in one fixed random order; the corpus draws from every other, monolingual text from the rest.

    Without halves the corpus would take every sentence that a rare word occurs in.
    """
    candidates = list(frame())
    Random(frame.__name__).shuffle(candidates)  # noqa: S311
    return tuple(candidates)
