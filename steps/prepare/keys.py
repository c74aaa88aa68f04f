"""What makes two sentences the same: keys for equality, word-bigram sets for near-copies."""

from __future__ import annotations

import re
from itertools import pairwise

from steps.prepare.row import Texts

# Sources write n'ụlọ with a straight, curly, modifier-letter, prime, accent or full-width sign: it is one word
APOSTROPHES = re.compile("['`\u00b4\u2018\u2019\u201b\u02b9\u02bb\u02bc\u2032\uff07]")
# Letters, digits and combining marks. `\w` alone leaves out combining marks and so would cut Igbo words at their tones.
WORD = re.compile("(?:[^\\W_]|[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f])+")


def words(text: str) -> list[str]:
    """Words of a repaired sentence: case-folded, apostrophes left out, any other sign a boundary."""
    return WORD.findall(APOSTROPHES.sub("", text.casefold()))


def key(text: str) -> str:
    """Letters, marks and digits of a sentence, case-folded: equal keys are the same sentence."""
    return "".join(words(text))


def pair_key(texts: Texts) -> Texts:
    """Keys of both sides: equal pair keys are the same pair."""
    return key(texts[0]), key(texts[1])


def shingles(sentence: list[str]) -> set[str]:
    """The set of a sentence's word bigrams; of a single word, the word."""
    if len(sentence) == 1:
        return set(sentence)
    return {f"{first} {second}" for first, second in pairwise(sentence)}
