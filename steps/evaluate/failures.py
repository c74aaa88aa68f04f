"""The ways a translation model breaks, counted: nothing said, the source said back, the same said again and again.

They are counts over a system's translations, not scores; a corpus score hides a few broken ones among many good ones.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence

from steps.contract import Failures

DOTS = frozenset("\N{COMBINING DOT BELOW}\N{COMBINING DOT ABOVE}")  # ị ọ ụ, ṅ
TONES = frozenset(
    "\N{COMBINING GRAVE ACCENT}\N{COMBINING ACUTE ACCENT}\N{COMBINING MACRON}\N{COMBINING CIRCUMFLEX ACCENT}"
)
TIMES_IN_A_ROW = 3
LONGEST_PHRASE = 8  # words of a phrase that may be repeated
UNTRANSLATED_WORDS = 0.5  # share of the words
SHORT_WORD = 3  # letters: shorter words may belong to both languages by chance


def count_failures(sources: Sequence[str], hypotheses: Sequence[str], references: Sequence[str]) -> Failures:
    """Shares of broken translations, and how well lengths and marks are kept. All texts are normalised; none may be missing."""
    rows = list(zip(sources, hypotheses, references, strict=True))
    empty = [is_empty(hypothesis, reference) for _, hypothesis, reference in rows]
    copied = [is_copied(*row) for row in rows]
    repetitive = [repeats(hypothesis) and not repeats(reference) for _, hypothesis, reference in rows]
    untranslated = [is_untranslated(*row) for row in rows]
    broken = [any(kinds) for kinds in zip(empty, copied, repetitive, untranslated, strict=True)]
    count = len(rows)
    return Failures(
        empty=sum(empty) / count,
        copied=sum(copied) / count,
        repetitive=sum(repetitive) / count,
        untranslated=sum(untranslated) / count,
        broken=sum(broken) / count,
        length_ratio=sum(map(len, hypotheses)) / max(1, sum(map(len, references))),
        dotted_recall=mark_recall(hypotheses, references, DOTS),
        tone_recall=mark_recall(hypotheses, references, TONES),
    )


def is_empty(hypothesis: str, reference: str) -> bool:
    """Nothing was said, or nothing but punctuation where there was something to say."""
    return not hypothesis or bool(_folded(reference) and not _folded(hypothesis))


def is_copied(source: str, hypothesis: str, reference: str) -> bool:
    """The source was said back, and that was not right."""
    return bool(hypothesis) and _folded(hypothesis) == _folded(source) != _folded(reference)


def repeats(text: str) -> bool:
    """Some phrase of at most LONGEST_PHRASE words stands TIMES_IN_A_ROW times in a row."""
    words = text.casefold().split()
    for size in range(1, min(LONGEST_PHRASE, len(words) // TIMES_IN_A_ROW) + 1):
        run = 0
        for place in range(size, len(words)):
            run = run + 1 if words[place] == words[place - size] else 0
            if run >= size * (TIMES_IN_A_ROW - 1):
                return True
    return False


def is_untranslated(source: str, hypothesis: str, reference: str) -> bool:
    """At least half of the longer words are the source's, and do not belong into the translation. A copy counts too."""
    words = [word for word in _words(hypothesis) if len(word) > SHORT_WORD]
    foreign = set(_words(source)) - set(_words(reference))
    return bool(words) and sum(word in foreign for word in words) >= UNTRANSLATED_WORDS * len(words)


def mark_recall(hypotheses: Sequence[str], references: Sequence[str], marks: frozenset[str]) -> float | None:
    """Of the references' marked words that were found but for their marks, the share that was found with them.

    So it asks about marks alone, not about the choice of words. None where there was no such word.
    """
    found = right = 0
    for hypothesis, reference in zip(hypotheses, references, strict=True):
        said: Counter[str] = Counter()
        for word in _words(hypothesis):
            said[word] += 1
        plain = Counter(_without(word, marks) for word in said.elements())
        for word in _words(reference):
            bare = _without(word, marks)
            if bare == word or not plain[bare]:
                continue
            plain[bare] -= 1
            found += 1
            if said[word]:
                said[word] -= 1
                right += 1
    return right / found if found else None


def _folded(text: str) -> str:
    return " ".join(_words(text))


def _words(text: str) -> list[str]:
    """Words in lower case, decomposed, without the punctuation around them."""
    words = (
        "".join(sign for sign in word if unicodedata.category(sign)[0] in "LMN")
        for word in unicodedata.normalize("NFD", text.casefold()).split()
    )
    return [word for word in words if word]


def _without(word: str, marks: frozenset[str]) -> str:
    return "".join(sign for sign in word if sign not in marks)
