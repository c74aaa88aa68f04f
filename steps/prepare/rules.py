"""The rules that drop rows. The first hit wins, in the order of the table at the end of the file.

Limits: what they cost on professional translations is measured in the project's data facts; lengths and ratio follow
OpusFilter, OpusCleaner and bicleaner-hardrules, tightened to what Igbo, Swahili and English need.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

from steps.prepare.keys import pair_key
from steps.prepare.row import REPLACEMENT, Row, Texts

MIN_CHARACTERS = 3
MAX_CHARACTERS = 1000
MAX_RATIO = 2.5  # characters of the longer side over the shorter
RATIO_FROM = 20  # characters of the longer side; in shorter pairs a ratio says nothing
MIN_LATIN_SHARE = 0.5  # of the characters that are no space

# Basic Latin, Latin-1, Extended-A, -B and IPA, combining marks, phonetic, Additional, Extended-C and -D
LATIN = re.compile("[A-Za-zªºÀ-ÖØ-öø-ʯ\u0300-\u036f\u1d00-\u1dbf\u1dc0-\u1dffḀ-ỿⱠ-Ɀ꜠-ꟿ]")


class Rule(NamedTuple):
    """One line of the waterfall."""

    name: str
    reason: str


class Dropped(NamedTuple):
    """A row and the name of the first rule that hit it."""

    row: Row
    rule: str


def empty(row: Row) -> bool:
    """True when a side is blank."""
    return not (row.texts[0] and row.texts[1])


def undecodable(row: Row) -> bool:
    """True when a side holds bytes that are not UTF-8, or the mark that an earlier conversion put for them."""
    return REPLACEMENT in row.texts[0] or REPLACEMENT in row.texts[1]


def malformed(row: Row) -> bool:
    """True when the row's columns are not those of the header, so that its texts may be other columns."""
    return row.malformed


def too_short(row: Row) -> bool:
    """True when a side is under the least length, in characters."""
    return min(map(len, row.texts)) < MIN_CHARACTERS


def too_long(row: Row) -> bool:
    """True when a side is over the greatest length, in characters."""
    return max(map(len, row.texts)) > MAX_CHARACTERS


def uneven(row: Row) -> bool:
    """True when one side is much longer than the other. Needs two sides that are not blank."""
    shorter, longer = sorted(map(len, row.texts))
    return longer >= RATIO_FROM and longer > MAX_RATIO * shorter


def latin_share(text: str) -> float:
    """Share of Latin letters among the characters that are no space; combining marks count as letters."""
    visible = len(text) - text.count(" ")
    return len(LATIN.findall(text)) / visible if visible else 0.0


def wrong_script(row: Row) -> bool:
    """True when a side is mostly other scripts, digits or signs."""
    return min(map(latin_share, row.texts)) < MIN_LATIN_SHARE


def identical(row: Row) -> bool:
    """True when both sides are the same text, but for case."""
    return row.texts[0].casefold() == row.texts[1].casefold()


CHECKS: tuple[tuple[Rule, Callable[[Row], bool]], ...] = (
    (Rule("empty", "a side is blank"), empty),
    (Rule("undecodable", "a side is not UTF-8"), undecodable),
    (Rule("malformed", "the row has more or fewer columns than the header"), malformed),
    (Rule("too-short", f"a side has fewer than {MIN_CHARACTERS} characters"), too_short),
    (Rule("too-long", f"a side has more than {MAX_CHARACTERS} characters"), too_long),
    (Rule("ratio", f"one side is over {MAX_RATIO} times as long, the longer at least {RATIO_FROM} characters"), uneven),
    (Rule("wrong-script", f"under {MIN_LATIN_SHARE:.0%} of a side's characters are Latin letters"), wrong_script),
    (Rule("identical", "both sides are the same text"), identical),
)
DUPLICATE = Rule("duplicate", "an earlier kept row has the same letters and digits on both sides")
RULES = (*(rule for rule, _ in CHECKS), DUPLICATE)


def sieve(rows: Iterable[Row]) -> tuple[list[Row], list[Dropped]]:
    """Rows that no rule hits, and the others with their rule; both in input order."""
    kept: list[Row] = []
    dropped: list[Dropped] = []
    seen: set[Texts] = set()
    for row in rows:
        name = next((rule.name for rule, hits in CHECKS if hits(row)), None)
        if name is None:
            key = pair_key(row.texts)
            if key not in seen:
                seen.add(key)
                kept.append(row)
                continue
            name = DUPLICATE.name
        dropped.append(Dropped(row, name))
    return kept, dropped
