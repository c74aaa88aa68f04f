"""Frames built on a verb that want something of the listener: questions and commands."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.staging.phrasebook.actions import Frame, acts
from pipeline.staging.phrasebook.clauses import Pair, be, pair
from pipeline.staging.phrasebook.people import NAMES, WE, YOU
from pipeline.staging.phrasebook.verbs import PHRASES, Phrase, fits


def asked() -> Iterator[Pair]:
    """Is Ada eating yam?"""
    for subject, phrase in acts("asked"):
        if subject.asked:
            en = f"{be(subject)} {subject.en} {phrase.verb.ing} {phrase.en}"
            yield pair(en, f"{subject.asked} na-{phrase.verb.participle} {phrase.ig}", "?")


def asked_when() -> Iterator[Pair]:
    """When will Ada eat yam?"""
    for subject, phrase in acts("future"):
        en = f"when will {subject.en} {phrase.verb.base} {phrase.en}"
        yield pair(en, f"kedu mgbe {subject.ig} ga-{phrase.verb.participle} {phrase.ig}", "?")


def asked_who() -> Iterator[Pair]:
    """Who is eating yam? Who will eat yam?"""
    for phrase in PHRASES:
        if "who" not in phrase.verb.lacks:
            yield pair(f"who is {phrase.verb.ing} {phrase.en}", f"onye na-{phrase.verb.participle} {phrase.ig}", "?")
            yield pair(f"who will {phrase.verb.base} {phrase.en}", f"onye ga-{phrase.verb.participle} {phrase.ig}", "?")


def command() -> Iterator[Pair]:
    """Please eat yam; please eat yam, Ada."""
    for phrase in PHRASES:
        if "command" not in phrase.verb.lacks and fits(YOU, phrase):
            yield from called(
                f"please {phrase.verb.base} {phrase.en}", f"biko, {phrase.verb.command} {phrase.ig}", phrase
            )


def forbidding() -> Iterator[Pair]:
    """Do not eat yam; do not eat yam, Ada."""
    for phrase in PHRASES:
        if "forbid" not in phrase.verb.lacks and fits(YOU, phrase):
            yield from called(
                f"do not {phrase.verb.base} {phrase.en}", f"{phrase.verb.participle}la {phrase.ig}", phrase
            )


def called(en: str, ig: str, phrase: Phrase) -> Iterator[Pair]:
    """A command as it is, and where it stays short also to everyone by name."""
    yield pair(en, ig)
    if phrase.plain:
        yield from (pair(f"{en.strip()}, {name.en}", f"{ig}, {name.ig}") for name in NAMES)


def together() -> Iterator[Pair]:
    """Let us eat yam; let us eat yam, Ada."""
    for phrase in PHRASES:
        if "together" not in phrase.verb.lacks and fits(WE, phrase):
            yield from called(
                f"let us {phrase.verb.base} {phrase.en}", f"ka anyị {phrase.verb.command} {phrase.ig}", phrase
            )


REQUESTS: tuple[tuple[Frame, int], ...] = (  # and how many of each the corpus holds
    (asked, 240),
    (asked_when, 140),
    (asked_who, 90),
    (command, 150),
    (forbidding, 120),
    (together, 120),
)
