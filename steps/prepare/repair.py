"""Repairs that change how a sentence is written and never what it says."""

from __future__ import annotations

import re
import unicodedata

from steps.prepare.row import Texts

# C0 and C1 controls, soft hyphen, zero-width and direction marks, line and paragraph separators
INVISIBLE = re.compile("[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


def invisible_to_space(text: str) -> str:
    """Every control and zero-width character as a space."""
    return INVISIBLE.sub(" ", text)


def collapse_white_space(text: str) -> str:
    """Any run of Unicode white space as one space, none at the ends."""
    return " ".join(text.split())


def compose(text: str) -> str:
    """Unicode NFC. Igbo tone marks on dotted vowels have no composed form and stay as combining marks."""
    return unicodedata.normalize("NFC", text)


REPAIRS = {"controls": invisible_to_space, "white-space": collapse_white_space, "nfc": compose}


def repair(texts: Texts) -> tuple[Texts, list[str]]:
    """Both sides repaired, and the names of the repairs that changed a side."""
    changes = []
    for name, apply in REPAIRS.items():
        repaired = apply(texts[0]), apply(texts[1])
        if repaired != texts:
            changes.append(name)
        texts = repaired
    return texts, changes
