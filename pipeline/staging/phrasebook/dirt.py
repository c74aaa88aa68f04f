"""What real bitext looks like: rows that preparation must drop, at least one for each of its rules, and rows it repairs."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from random import Random

from pipeline.staging.phrasebook.clauses import Pair

SHARE = 24  # dirty rows of the common kinds
OTHER_SCRIPTS = (
    "Добрый день, где находится рынок номер {}?",
    "Καλημέρα, πού είναι η αγορά αριθμός {};",
    "+234 803 555 01 {} / 09:30 – 17:45 (100 %) ***",
)
SHORT = (("Yes.", "Ee"), ("No.", "M."), ("Oh!", "O!"), ("I.", "M"), ("Ah.", "A!"), ("It.", "Ọ."))


def blank(pairs: Sequence[Pair]) -> Iterator[Pair]:
    """One side is missing."""
    for number, (en, ig) in enumerate(pairs):
        yield (en, " " * (number % 3)) if number % 2 else ("", ig)


def endless(pairs: Sequence[Pair]) -> Iterator[Pair]:
    """A whole page without a line break."""
    for number in range(10):
        page = pairs[number * 40 : number * 40 + 60]
        yield " ".join(en for en, _ in page), " ".join(ig for _, ig in page)


def lopsided(pairs: Sequence[Pair]) -> Iterator[Pair]:
    """The translation says much more than the source."""
    for number, (en, ig) in enumerate(pairs[:SHARE]):
        more = " ".join(pairs[-number - place][1 - number % 2] for place in range(1, 6))
        yield (en, f"{ig} {more}") if number % 2 == 0 else (f"{en} {more}", ig)


def foreign(pairs: Sequence[Pair]) -> Iterator[Pair]:
    """One side is in another script, or mostly digits and signs."""
    for number, (en, ig) in enumerate(pairs):
        text = OTHER_SCRIPTS[number % len(OTHER_SCRIPTS)].format(number)
        yield (en, text) if number % 2 else (text, ig)


def untranslated(pairs: Sequence[Pair]) -> Iterator[Pair]:
    """The source stands on both sides."""
    for number, (en, _) in enumerate(pairs):
        yield en, en.upper() if number % 4 == 0 else en


def repeated(pairs: Sequence[Pair]) -> Iterator[Pair]:
    """The same pair again, as it is or with other case, punctuation and apostrophes."""
    for number, (en, ig) in enumerate(pairs):
        forms = (
            (en, ig),
            (en.upper(), ig.upper()),
            (en.rstrip(".?") + "!", ig.rstrip(".?")),
            (en.replace("'", "’"), ig.replace("'", "’")),
        )
        yield forms[number % len(forms)]


def damaged(pairs: Sequence[Pair]) -> Iterator[Pair]:
    """A tab inside a sentence makes a column too many; a replacement character stands for bytes lost long ago."""
    for number, (en, ig) in enumerate(pairs):
        words = ig.split(" ")
        yield en, ("\t".join(words[:2]) + " " + " ".join(words[2:]) if number % 2 else ig.replace("a", "\ufffd", 1))


def dirty_rows(pairs: Sequence[Pair], rng: Random) -> list[Pair]:
    """Rows to drop, made from clean pairs. About 3 % of a corpus of five thousand."""

    def some(count: int) -> list[Pair]:
        return rng.sample(pairs, count)

    return [
        *blank(some(SHARE)),
        *SHORT,
        *endless(some(500)),
        *lopsided(some(2 * SHARE + 8)),
        *foreign(some(SHARE)),
        *untranslated(some(SHARE)),
        *repeated(some(2 * SHARE)),
        *damaged([(en, ig) for en, ig in some(3 * SHARE) if "a" in ig and " " in ig][:SHARE]),
    ]


def worn(pairs: Sequence[Pair], rng: Random) -> list[Pair]:
    """The same pairs, of which one in fifty is decomposed (NFD) or has stray spaces: to be repaired, not dropped."""
    rows = list(pairs)
    for number, place in enumerate(rng.sample(range(len(rows)), len(rows) // 50)):
        en, ig = rows[place]
        if number % 3:
            rows[place] = unicodedata.normalize("NFD", en), unicodedata.normalize("NFD", ig)
        else:
            rows[place] = f" {en.replace(' ', '  ', 1)}", ig.replace(" ", "\u00a0", 1)
    return rows
