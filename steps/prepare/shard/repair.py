"""Repairs that change how a sentence is written and never what it says. Pure functions of one text.

Controls, line separators, noncharacters and the zero-width space, which marks the end of a word, become spaces. Other
signs without width (soft hyphen, word joiner, byte order mark, direction marks) are taken out instead: they stand inside
words, and a space would cut those in two. Joiners stay where they shape letters, as in Persian and Hindi, or make one
emoji of several.
"""

from __future__ import annotations

import unicodedata

import regex

from steps.prepare.shard.mojibake import repair_mojibake

CONTROLS = r"\p{Cc}\u200b\u2028\u2029\ufff9-\ufffb\p{Noncharacter_Code_Point}"
WITHOUT_WIDTH = r"\u00ad\u061c\u180e\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"
JOINERS = r"\u200c\u200d"

_CONTROL = regex.compile(rf"[{CONTROLS}]")
_SHAPED = r"[[\p{L}\p{M}]--[\p{Latin}\p{Greek}\p{Cyrillic}\p{Inherited}]]"
_TAKEN_OUT = regex.compile(
    rf"(?V1)[{WITHOUT_WIDTH}]"
    rf"|(?<!{_SHAPED})\u200c"
    rf"|(?<!{_SHAPED}|[\p{{Extended_Pictographic}}\p{{Emoji_Modifier}}\ufe0f])\u200d"
)

NAMES = ("mojibake", "controls", "white-space", "nfc")


def repair_characters(text: str) -> str:
    """Controls as spaces, signs without width left out."""
    return _TAKEN_OUT.sub("", _CONTROL.sub(" ", text))


def collapse_white_space(text: str) -> str:
    """Any run of Unicode white space as one space, none at the ends."""
    return " ".join(text.split())


def compose(text: str) -> str:
    """Unicode NFC. Igbo tone marks on dotted vowels have no composed form and stay as combining marks."""
    return unicodedata.normalize("NFC", text)


_STEPS = tuple(zip(NAMES, (repair_mojibake, repair_characters, collapse_white_space, compose), strict=True))


def repair(text: str) -> tuple[str, tuple[str, ...]]:
    """The repaired text and the names of the repairs that changed it, in the order of NAMES.

    Repairs are repeated until none changes anything, so that repairing twice is repairing once: a sign that is taken
    out may bring together two characters that compose.
    """
    changes = set()
    while True:
        before = text
        for name, step in _STEPS:
            changed = step(text)
            if changed != text:
                changes.add(name)
                text = changed
        if text == before:
            return text, tuple(name for name in NAMES if name in changes)
