"""The pieces that synthetic sentences are made of: three-word chunks of real text, and of other languages' words.

A chunk has variants, so that a sentence is nothing but a list of piece numbers: capitalised at the beginning, with a
full stop and the line's end at the end, and so on. A sentence is then made by one gather, without a loop over rows.
"""

from __future__ import annotations

import os
import random
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

ROOT = Path(__file__).resolve().parents[2]
CODES = ("en", "ig")
SAMPLE = "sample.en-ig.tsv"
CHUNK_WORDS = 3
MAX_CHUNK_CHARACTERS = 40
SENTENCE_END = ".,;:!?…"
# Anything but Latin letters, combining marks, ASCII and quotation marks
ODD = re.compile("[^\x20-\x7e\u00c0-\u024f\u0300-\u036f\u1e00-\u1eff\u2018-\u201d\u2026]")
FOREIGN_CHUNKS = 2000  # per language; words repeat, chunks seldom

FIRST, MIDDLE, LAST, CHANGED, EXCLAIMED, CURLY = range(6)  # variants of a chunk
VARIANTS = 6
APOSTROPHES = str.maketrans("'’", "’'")

# Frequent words of languages that a mined English-Igbo corpus is polluted with; CLD2 knows all four
FOREIGN = {
    "fr": """le la les des une dans pour avec cette sont nous vous leur était être avoir fait comme mais plus tout bien
        aussi depuis toujours pendant après avant maison enfant femme homme jour temps monde pays ville gouvernement
        travail école histoire vérité beaucoup quelque chose peut doit sans chez entre encore jamais aujourd'hui""",
    "es": """el la los las una para con esta son nosotros ustedes había ser tener hecho como pero más todo bien también
        desde siempre durante después antes casa niño mujer hombre día tiempo mundo país ciudad gobierno trabajo escuela
        historia verdad mucho alguna cosa puede debe sin entre todavía nunca hoy mañana según aunque donde cuando""",
    "de": """der die das eine und für mit dieser sind wir ihr wurde sein haben gemacht wie aber mehr alles gut auch seit
        immer während nachher vorher Haus Kind Frau Mann Tag Zeit Welt Land Stadt Regierung Arbeit Schule Geschichte
        Wahrheit viel etwas Sache kann muss ohne zwischen noch niemals heute morgen nach obwohl wo wenn nicht""",
    "sw": """na ya wa kwa ni katika hii hizo sisi ninyi alikuwa kuwa kufanya kama lakini zaidi yote vizuri pia tangu
        daima wakati baada kabla nyumba mtoto mwanamke mwanaume siku muda dunia nchi mji serikali kazi shule historia
        ukweli sana kitu inaweza lazima bila kati bado kamwe leo kesho kulingana ingawa wapi watu wengi hawa maji""",
}


@dataclass(frozen=True)
class Vocabulary:
    """Pieces of all languages in one array. Piece number of chunk c: base[language] + variant * size[language] + c."""

    pieces: pa.LargeBinaryArray
    base: dict[str, int]
    size: dict[str, int]
    origin: str  # where the chunks are from, in words


def _chunks(sentences: Iterable[str]) -> list[str]:
    """Distinct runs of three words, NFC, in order of appearance; what holds other scripts or mostly signs is left out."""
    chunks: dict[str, None] = {}
    for sentence in sentences:
        words = [word for word in unicodedata.normalize("NFC", sentence).split() if any(map(str.isalnum, word))]
        for start in range(0, len(words) - CHUNK_WORDS + 1, CHUNK_WORDS):
            chunk = " ".join(words[start : start + CHUNK_WORDS]).rstrip(SENTENCE_END)
            letters = sum(map(str.isalpha, chunk))
            if not ODD.search(chunk) and len(chunk) <= MAX_CHUNK_CHARACTERS and letters >= 0.8 * (len(chunk) - 2):
                chunks[chunk] = None
    return list(chunks)


def _variants(chunks: list[str]) -> list[str]:
    """All pieces of one language, variant by variant. The end of the line is part of the last piece."""
    other = [chunk.split()[0] for chunk in chunks]
    changed = []
    for place, chunk in enumerate(chunks):
        words = chunk.split()
        words[1] = next(
            word
            for step in range(1, len(chunks))
            if (word := other[(place + 7919 * step) % len(chunks)]).casefold() != words[1].casefold()
        )
        changed.append(" ".join(words))
    return [
        *(f"{chunk[0].upper()}{chunk[1:]} " for chunk in chunks),
        *(f"{chunk} " for chunk in chunks),
        *(f"{chunk}.\n" for chunk in chunks),
        *(f"{chunk} " for chunk in changed),
        *(f"{chunk}!\n" for chunk in chunks),
        *(f"{chunk.translate(APOSTROPHES)} " for chunk in chunks),
    ]


def find_sample() -> Path | None:
    """The real sample beside this checkout, or None in a plain clone."""
    given = os.environ.get("ASUSU_SHARED_DATA")
    folders = [Path(given)] if given else [ROOT / "shared" / "data", ROOT.parent / "shared" / "data"]
    return next((folder / SAMPLE for folder in folders if (folder / SAMPLE).is_file()), None)


def read_sentences(sample: Path | None) -> tuple[list[str], list[str]]:
    """English and Igbo sides of a TSV with columns `en` and `ig`; of the bundled phrasebook where `sample` is None."""
    if sample is None:
        from pipeline.staging.phrasebook.generate import clean_pairs

        english, igbo = map(list, zip(*clean_pairs(17), strict=True))
        return english, igbo
    header, *lines = sample.read_text(encoding="utf-8").rstrip("\n").split("\n")
    names = header.split("\t")
    cells = [line.split("\t") for line in lines]
    return [row[names.index("en")] for row in cells], [row[names.index("ig")] for row in cells]


def read_vocabulary(sample: Path | None) -> Vocabulary:
    """Pieces from a TSV with columns `en` and `ig`; from the bundled phrasebook where `sample` is None."""
    english, igbo = read_sentences(sample)
    chunks = {"en": _chunks(english), "ig": _chunks(igbo)}
    for code, text in FOREIGN.items():
        rng = random.Random(code)
        words = text.split()
        chunks[code] = [" ".join(rng.sample(words, CHUNK_WORDS)) for _ in range(FOREIGN_CHUNKS)]
    pieces: list[str] = []
    base = {}
    for code, of_language in chunks.items():
        base[code] = len(pieces)
        pieces += _variants(of_language)
    return Vocabulary(
        pieces=pa.array([piece.encode() for piece in pieces], pa.large_binary()),
        base=base,
        size={code: len(of_language) for code, of_language in chunks.items()},
        origin="the bundled phrasebook" if sample is None else "real sentences",
    )
