"""Frames built on a verb: who does, did, will, has done, can, should or wants to do what."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from pipeline.staging.phrasebook.clauses import (
    Pair,
    be,
    do,
    finite,
    going,
    have,
    not_going,
    pair,
    present,
    there,
)
from pipeline.staging.phrasebook.people import DAYS, HABITS, MARKET_DAYS, SUBJECTS, Subject
from pipeline.staging.phrasebook.verbs import PHRASES, Phrase, fits

Frame = Callable[[], Iterator[Pair]]

ON_DAYS = {f"on {en}": there(ig) for en, ig in {**DAYS, **MARKET_DAYS}.items()}


def acts(frame: str) -> Iterator[tuple[Subject, Phrase]]:
    """Every subject with every phrase that the frame may hold."""
    for phrase in PHRASES:
        if frame not in phrase.verb.lacks:
            yield from ((subject, phrase) for subject in SUBJECTS if fits(subject, phrase))


def ongoing() -> Iterator[Pair]:
    """Ada is eating yam."""
    for subject, phrase in acts("ongoing"):
        ig = f"{going(subject, 'na', phrase.verb)} {phrase.ig}"
        yield pair(f"{subject.en} {be(subject)} {phrase.verb.ing} {phrase.en}", ig)


def ongoing_now() -> Iterator[Pair]:
    """Ada is eating yam now."""
    for subject, phrase in acts("ongoing"):
        if phrase.plain:
            ig = f"{going(subject, 'na', phrase.verb)} {phrase.ig} ugbu a"
            yield pair(f"{subject.en} {be(subject)} {phrase.verb.ing} {phrase.en} now", ig)


def habit() -> Iterator[Pair]:
    """Ada eats yam every day."""
    for subject, phrase in acts("habit"):
        if phrase.plain:
            en = f"{present(subject, phrase.verb.base, phrase.verb.s)} {phrase.en}"
            ig = f"{going(subject, 'na', phrase.verb)} {phrase.ig}"
            yield from (pair(f"{en} {when}", f"{ig} {ig_when}") for when, ig_when in HABITS.items())


def habit_denied() -> Iterator[Pair]:
    """Ada does not eat yam."""
    for subject, phrase in acts("habit"):
        ig = f"{not_going(subject, 'na', phrase.verb)} {phrase.ig}"
        yield pair(f"{subject.en} {do(subject)} not {phrase.verb.base} {phrase.en}", ig)


def past() -> Iterator[Pair]:
    """Ada ate yam."""
    for subject, phrase in acts("past"):
        ig = f"{finite(subject, phrase.verb.ig_past, phrase.verb.vowel)} {phrase.ig}"
        yield pair(f"{subject.en} {phrase.verb.past} {phrase.en}", ig)


def past_day() -> Iterator[Pair]:
    """Ada ate yam yesterday; Ada ate yam on Monday."""
    for subject, phrase in acts("past"):
        if phrase.plain:
            en = f"{subject.en} {phrase.verb.past} {phrase.en}"
            ig = f"{finite(subject, phrase.verb.ig_past, phrase.verb.vowel)} {phrase.ig}"
            yield pair(f"{en} yesterday", f"{ig} ụnyaahụ")
            yield from (pair(f"{en} {day}", f"{ig} {ig_day}") for day, ig_day in ON_DAYS.items())


def future() -> Iterator[Pair]:
    """Ada will eat yam."""
    for subject, phrase in acts("future"):
        yield pair(
            f"{subject.en} will {phrase.verb.base} {phrase.en}", f"{going(subject, 'ga', phrase.verb)} {phrase.ig}"
        )


def future_day() -> Iterator[Pair]:
    """Ada will eat yam tomorrow; Ada will eat yam on Monday."""
    for subject, phrase in acts("future"):
        if phrase.plain:
            en = f"{subject.en} will {phrase.verb.base} {phrase.en}"
            ig = f"{going(subject, 'ga', phrase.verb)} {phrase.ig}"
            yield pair(f"{en} tomorrow", f"{ig} echi")
            yield from (pair(f"{en} {day}", f"{ig} {ig_day}") for day, ig_day in ON_DAYS.items())


def future_denied() -> Iterator[Pair]:
    """Ada will not eat yam."""
    for subject, phrase in acts("future"):
        ig = f"{not_going(subject, 'ga', phrase.verb)} {phrase.ig}"
        yield pair(f"{subject.en} will not {phrase.verb.base} {phrase.en}", ig)


def perfect() -> Iterator[Pair]:
    """Ada has eaten yam."""
    for subject, phrase in acts("done"):
        ig = f"{finite(subject, phrase.verb.command + 'la', phrase.verb.vowel, prefixed=True)} {phrase.ig}"
        yield pair(f"{subject.en} {have(subject)} {phrase.verb.done} {phrase.en}", ig)


def perfect_today() -> Iterator[Pair]:
    """Ada has eaten yam today."""
    for subject, phrase in acts("done"):
        if phrase.plain:
            ig = f"{finite(subject, phrase.verb.command + 'la', phrase.verb.vowel, prefixed=True)} {phrase.ig} taa"
            yield pair(f"{subject.en} {have(subject)} {phrase.verb.done} {phrase.en} today", ig)


def wanting() -> Iterator[Pair]:
    """Ada wants to eat yam."""
    for subject, phrase in acts("want"):
        en = f"{present(subject, 'want', 'wants')} to {phrase.verb.base} {phrase.en}"
        yield pair(en, f"{finite(subject, 'chọrọ', 'a')} {phrase.verb.infinitive} {phrase.ig}")


def unwilling() -> Iterator[Pair]:
    """Ada does not want to eat yam."""
    for subject, phrase in acts("unwilling"):
        if phrase.plain:
            ig = f"{finite(subject, 'chọghị', 'a', prefixed=True)} {phrase.verb.infinitive} {phrase.ig}"
            yield pair(f"{subject.en} {do(subject)} not want to {phrase.verb.base} {phrase.en}", ig)


def able() -> Iterator[Pair]:
    """Ada can eat yam."""
    for subject, phrase in acts("can"):
        ig = f"{finite(subject, 'nwere', 'e')} ike {phrase.verb.infinitive} {phrase.ig}"
        yield pair(f"{subject.en} can {phrase.verb.base} {phrase.en}", ig)


def obliged() -> Iterator[Pair]:
    """Ada should eat yam."""
    for subject, phrase in acts("should"):
        ig = f"{finite(subject, 'kwesịrị', 'e')} {phrase.verb.infinitive} {phrase.ig}"
        yield pair(f"{subject.en} should {phrase.verb.base} {phrase.en}", ig)


STATEMENTS: tuple[tuple[Frame, int], ...] = (  # and how many of each the corpus holds
    (ongoing, 380),
    (ongoing_now, 160),
    (habit, 260),
    (habit_denied, 240),
    (past, 340),
    (past_day, 180),
    (future, 300),
    (future_day, 240),
    (future_denied, 220),
    (perfect, 220),
    (perfect_today, 100),
    (wanting, 260),
    (unwilling, 140),
    (able, 240),
    (obliged, 220),
)
