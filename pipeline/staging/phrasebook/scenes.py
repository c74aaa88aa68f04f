"""Frames built on things and places: where, whose, how many, what like, how much; and days, names and greetings."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.staging.phrasebook.clauses import Pair, be, do, finite, have, pair, present, there
from pipeline.staging.phrasebook.people import (
    DAYS,
    FAMILY,
    GREETINGS,
    MARKET_DAYS,
    NAMES,
    PEOPLE,
    PLACES,
    SUBJECTS,
    TOWNS,
)
from pipeline.staging.phrasebook.things import (
    ADJECTIVES,
    NOUNS,
    NUMBERS,
    OWNED,
    OWNERS,
    POSITIONS,
    QUALITIES,
    Noun,
    nouns,
)

THINGS = nouns("book letter pot bag box bicycle knife key clothes shoes dishes money orange")
BELONGINGS = nouns("book letter pot bag box car bicycle goat cow dog house chair bed knife key clothes shoes")
COUNTED = nouns("egg orange book letter pot bag box chicken goat cow dog house table chair tree knife key")
BEARERS = nouns("table chair bed box bag tree house")
LIKED = nouns("yam rice beans food bread soup corn pepper meat fish wine tea coffee Igbo English Hausa Yoruba")
WANTED = nouns(
    "yam rice beans bread soup corn pepper meat fish salt water wine tea coffee medicine firewood cloth money"
)
PRICED = [
    noun for noun in NOUNS.values() if noun not in nouns("Igbo English Hausa Yoruba hands money school door story")
]
ANIMALS = nouns("chicken goat cow dog")
DESCRIBED = nouns("egg book pot bag box car bicycle chicken goat cow dog house table chair bed knife clothes shoes")


def pointed(noun: Noun) -> Iterator[Pair]:
    """A thing with everything that can point at it: this, that, my, ..., Ada's."""
    yield noun.pointed("this", "these"), f"{noun.ig} a"
    yield noun.pointed("that", "those"), f"{noun.ig} ahụ"
    yield from ((f"{owner} {noun.en}", f"{noun.ig} {ig}") for owner, ig in OWNERS.items())
    yield from ((f"{person.en}'s {noun.en}", f"{noun.ig} {person.ig}") for person in (*NAMES, *FAMILY))


def lying() -> Iterator[Pair]:
    """My book is on the table."""
    for thing in THINGS:
        for bearer in BEARERS:
            for en, ig in pointed(thing):
                for where, ig_where in POSITIONS.items():
                    if thing != bearer:
                        yield pair(f"{en} {thing.are} {where} the {bearer.en}", f"{ig} dị {ig_where} {bearer.ig}")


def whereabouts() -> Iterator[Pair]:
    """Ada is at the market; Ada is not at the market."""
    for subject in SUBJECTS:
        for place in (*PLACES, *TOWNS):
            at = f"{place.at} {place.en}"
            yield pair(f"{subject.en} {be(subject)} {at}", f"{finite(subject, 'nọ', 'a')} {there(place.ig)}")
            negated = finite(subject, "nọghị", "a", prefixed=True)
            yield pair(f"{subject.en} {be(subject)} not {at}", f"{negated} {there(place.ig)}")


def home() -> Iterator[Pair]:
    """Ada lives in Enugu; Ada lives in Enugu now; Ada is from Enugu."""
    for subject in SUBJECTS:
        for town in TOWNS:
            en = f"{present(subject, 'live', 'lives')} in {town.en}"
            yield pair(en, f"{finite(subject, 'bi', 'e')} {there(town.ig)}")
            yield pair(f"{en} now", f"{finite(subject, 'bi', 'e')} {there(town.ig)} ugbu a")
            yield pair(f"{subject.en} {be(subject)} from {town.en}", f"{finite(subject, 'si', 'e')} {town.ig}")


def where() -> Iterator[Pair]:
    """Where is my book? Where is Ada? Where does Ada live?"""
    yield from (pair(f"where is {place.en}", f"kedu ebe {place.ig} dị", "?") for place in PLACES)
    for person in PEOPLE:
        yield pair(f"where {be(person)} {person.en}", f"kedu ebe {person.ig} nọ", "?")
        yield pair(f"where {do(person)} {person.en} live", f"kedu ebe {person.ig} bi", "?")
        yield pair(f"where {be(person)} {person.en} going", f"ebee ka {person.ig} na-aga", "?")
    for thing in BELONGINGS:
        is_there = "nọ" if thing in ANIMALS else "dị"  # what breathes has a verb of its own
        yield from (pair(f"where {thing.are} {en}", f"kedu ebe {ig} {is_there}", "?") for en, ig in pointed(thing))


def owning() -> Iterator[Pair]:
    """This book is mine; that book is Ada's; this is my book; this is not my book."""
    owners = [*OWNED.items(), *((f"{person.en}'s", person.ig) for person in (*NAMES, *FAMILY))]
    for thing in BELONGINGS:
        for this, these, ig_this in (("this", "these", "a"), ("that", "those", "ahụ")):
            en = f"{thing.pointed(this, these)} {thing.are}"
            yield from (pair(f"{en} {owner}", f"{thing.ig} {ig_this} bụ nke {ig}") for owner, ig in owners)
            if thing.kind == "count":
                for en, ig in list(pointed(thing))[2:]:
                    yield pair(f"{this} is {en}", f"nke {ig_this} bụ {ig}")
                    yield pair(f"{this} is not {en}", f"nke {ig_this} abụghị {ig}")


def counting() -> Iterator[Pair]:
    """Ada has three goats; Ada wants three goats; please give Ada three goats."""
    for thing in COUNTED:
        for number, ig_number in NUMBERS.items():
            en, ig = f"{number} {thing.plural}", f"{thing.ig} {ig_number}"
            for subject in SUBJECTS:
                yield pair(f"{subject.en} {have(subject)} {en}", f"{finite(subject, 'nwere', 'e')} {ig}")
                yield pair(f"{present(subject, 'want', 'wants')} {en}", f"{finite(subject, 'chọrọ', 'a')} {ig}")
                if subject.en != "you":
                    yield pair(f"please give {subject.object_en} {en}", f"biko, nye {subject.object_ig} {ig}")


def wishing() -> Iterator[Pair]:
    """Ada wants water; Ada does not have water; please give Ada water; Ada likes water."""
    for thing in WANTED:
        for subject in SUBJECTS:
            yield pair(f"{present(subject, 'want', 'wants')} {thing.en}", f"{finite(subject, 'chọrọ', 'a')} {thing.ig}")
            negated = finite(subject, "nweghị", "e", prefixed=True)
            yield pair(f"{subject.en} {do(subject)} not have {thing.en}", f"{negated} {thing.ig}")
            if subject.en != "you":
                yield pair(f"please give {subject.object_en} {thing.en}", f"biko, nye {subject.object_ig} {thing.ig}")
    for thing in LIKED:
        for subject in SUBJECTS:
            yield pair(f"{present(subject, 'like', 'likes')} {thing.en}", f"{thing.ig} na-amasị {subject.object_ig}")


def describing() -> Iterator[Pair]:
    """This soup is sweet; this soup is not sweet."""
    for quality, (ig_quality, names) in QUALITIES.items():
        for thing in nouns(names):
            for en, ig in pointed(thing):
                yield pair(f"{en} {thing.are} {quality}", f"{ig} dị {ig_quality}")
                yield pair(f"{en} {thing.are} not {quality}", f"{ig} adịghị {ig_quality}")


def having() -> Iterator[Pair]:
    """Ada has a new house; this is a new house."""
    for thing in DESCRIBED:
        for adjective, pattern in ADJECTIVES.items():
            some = adjective + " " + thing.en
            if thing.kind == "count":
                some = f"an {some}" if adjective[0] in "aeiou" else f"a {some}"
            for subject in SUBJECTS:
                ig = f"{finite(subject, 'nwere', 'e')} {pattern.format(thing.ig)}"
                yield pair(f"{subject.en} {have(subject)} {some}", ig)


def pricing() -> Iterator[Pair]:
    """How much is this book? Who owns this book?"""
    for thing in PRICED:
        yield pair(f"how much {thing.are} {thing.pointed('this', 'these')}", f"ego ole bụ {thing.ig} a", "?")
        yield pair(f"how much {thing.are} {thing.pointed('that', 'those')}", f"ego ole bụ {thing.ig} ahụ", "?")
        yield pair(f"who owns {thing.pointed('this', 'these')}", f"onye nwe {thing.ig} a", "?")
        yield pair(f"who owns {thing.pointed('that', 'those')}", f"onye nwe {thing.ig} ahụ", "?")


def dating() -> Iterator[Pair]:
    """Today is Monday; yesterday was Eke; today is not Friday."""
    for en, ig in {**DAYS, **MARKET_DAYS}.items():
        yield pair(f"today is {en}", f"taa bụ {ig}")
        yield pair(f"today is not {en}", f"taa abụghị {ig}")
        yield pair(f"tomorrow is {en}", f"echi bụ {ig}")
        yield pair(f"tomorrow is not {en}", f"echi abụghị {ig}")
        yield pair(f"yesterday was {en}", f"ụnyaahụ bụ {ig}")
        yield pair(f"yesterday was not {en}", f"ụnyaahụ abụghị {ig}")


def greeting() -> Iterator[Pair]:
    """Good morning, Ada; my child's name is Ada."""
    for person in NAMES:
        yield from (pair(f"{en}, {person.en}", f"{ig}, {person.ig}") for en, ig in GREETINGS.items())
        yield pair(f"how are you, {person.en}", f"kedu ka ị mere, {person.ig}", "?")
        yield pair(f"my name is {person.en}", f"aha m bụ {person.ig}")
        yield pair(f"my child's name is {person.en}", f"aha nwa m bụ {person.ig}")
        yield pair(f"my friend's name is {person.en}", f"aha enyi m bụ {person.ig}")


SCENES = (  # and how many of each the corpus holds
    (lying, 260),
    (whereabouts, 170),
    (home, 120),
    (where, 130),
    (owning, 180),
    (counting, 240),
    (wishing, 220),
    (describing, 220),
    (having, 160),
    (pricing, 60),
    (dating, 30),
    (greeting, 100),
)
