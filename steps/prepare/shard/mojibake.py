"""Text that is UTF-8 but was read as a one-byte encoding: `á»\u008d` for ọ. Found cheaply, repaired by ftfy.

Only the encoding is repaired, and only where the repair decodes UTF-8; ftfy's other fixes change quotes and ligatures
of clean text. It must run before control characters go: bytes 0x80 to 0x9f are controls in Latin-1.
"""

from __future__ import annotations

import re
from functools import cache

import ftfy
import numpy as np
import numpy.typing as npt
from ftfy.chardata import CHARMAP_ENCODINGS

from steps.prepare.characters import CODE_POINTS, Flags, Points
from steps.prepare.shard.decoding import REPLACEMENT

# Bytes that begin a character of UTF-8, and those that go on with one (RFC 3629)
_LEADS, _CONTINUATIONS = range(0xC2, 0xF5), range(0x80, 0xC0)
_BEFORE_SPACE = "ÂÃ"  # à is C3 A0, and A0 is a space that some programs made a plain one
_CONFIG = ftfy.TextFixerConfig(replace_lossy_sequences=False, fix_c1_controls=False)

Encodings = npt.NDArray[np.uint16]


@cache
def tables() -> tuple[Encodings, Encodings]:
    """For every code point, a bit per encoding in which it is a leading byte, and in which it is a continuation."""
    leads, continuations = (np.zeros(CODE_POINTS, dtype=np.uint16) for _ in range(2))
    for bit, encoding in enumerate(CHARMAP_ENCODINGS):
        for table, values in ((leads, _LEADS), (continuations, _CONTINUATIONS)):
            for character in bytes(values).decode(encoding, errors="ignore"):
                table[ord(character)] |= 1 << bit
    return leads, continuations


@cache
def _detector() -> re.Pattern[str]:
    pairs = [f"[{_BEFORE_SPACE}] "]
    for bit in range(len(CHARMAP_ENCODINGS)):
        lead, continuation = (
            re.escape("".join(map(chr, np.flatnonzero(table & (1 << bit)).tolist()))) for table in tables()
        )
        pairs.append(f"[{lead}][{continuation}]")
    leads = re.escape("".join(map(chr, np.flatnonzero(leading()).tolist())))
    return re.compile(f"(?=[{leads}])(?:{'|'.join(pairs)})")  # few characters get past the first look


def leading() -> Flags:
    """For every code point, whether it may be the first of two characters that were one character of UTF-8."""
    return np.asarray(tables()[0] != 0)


def may_be_mojibake(first: Points, second: Points) -> Flags:
    """For pairs of adjacent characters, whether they may be one character of UTF-8 that was read as two."""
    leads, continuations = tables()
    pairs = (leads[first] & continuations[second]) != 0
    before_space = np.isin(first, [ord(letter) for letter in _BEFORE_SPACE]) & (second == ord(" "))
    return np.asarray(pairs | before_space)


def repair_mojibake(text: str) -> str:
    """The text as it was written, where it was read in a wrong encoding; else the text itself."""
    if text.isascii() or REPLACEMENT in text or not _detector().search(text):
        return text
    fixed, plan = ftfy.fix_encoding_and_explain(text, _CONFIG)
    decodes = any(step.parameter in ("utf-8", "utf-8-variants", "decode_inconsistent_utf8") for step in plan or ())
    return fixed if decodes else text
