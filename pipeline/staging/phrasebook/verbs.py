"""The phrasebook's verbs and what they are said of.

Igbo verbs keep one root. Its first vowel decides the harmony of every prefix and clitic: e, i, o, u take e-, i-, o; a, ị,
ọ, ụ take a-, ị-, ọ. The past (-rV) and the command are listed, since their vowels are not predictable.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

from pipeline.staging.phrasebook.people import PLACES, SUBJECTS, TOWNS, Subject
from pipeline.staging.phrasebook.things import OWNERS, nouns


class Verb(NamedTuple):
    """One verb. `lacks` names the frames in which it would sound wrong or be ambiguous."""

    base: str
    s: str
    ing: str
    past: str
    done: str
    root: str
    ig_past: str
    command: str
    lacks: frozenset[str] = frozenset()

    @property
    def vowel(self) -> Literal["e", "a"]:
        """The harmony prefix."""
        return "e" if next(letter for letter in self.root if letter in "eiouaịọụ") in "eiou" else "a"

    @property
    def participle(self) -> str:
        """What follows na-, ga- and their negations: eri, azụ."""
        return self.vowel + self.root

    @property
    def infinitive(self) -> str:
        """iri, ịzụ."""
        return ("i" if self.vowel == "e" else "ị") + self.root


class Phrase(NamedTuple):
    """A verb with its complement; `plain` is false where the complement already points at something (my, this)."""

    verb: Verb
    en: str
    ig: str
    plain: bool = True


EVENT = frozenset({"ongoing", "habit", "asked", "who", "command", "forbid", "together", "unwilling"})

# English forms, Igbo forms, article of the object, objects, frames it lacks
TABLE: tuple[tuple[str, str, str, str, frozenset[str]], ...] = (
    ("eat eats eating ate eaten", "ri riri rie", "", "yam rice beans food bread cassava", frozenset()),
    ("eat eats eating ate eaten", "ta tara taa", "", "meat fish corn", frozenset()),
    ("drink drinks drinking drank drunk", "ṅụ ṅụrụ ṅụọ", "", "water wine tea coffee medicine", frozenset()),
    (
        "buy buys buying bought bought",
        "zụ zụrụ zụọ",
        "a",
        "yam rice meat salt cloth book car bag goat shoes",
        frozenset(),
    ),
    (
        "sell sells selling sold sold",
        "re rere ree",
        "a",
        "yam corn fish cloth chicken pot bicycle clothes",
        frozenset(),
    ),
    ("cook cooks cooking cooked cooked", "si siri sie", "", "yam rice beans soup food meat", frozenset()),
    ("read reads reading read read", "gụ gụrụ gụọ", "a", "book letter story", frozenset({"past"})),
    ("write writes writing wrote written", "de dere dee", "a", "letter story book", frozenset()),
    ("wash washes washing washed washed", "sa sara saa", "the", "dishes clothes pot car", frozenset()),
    ("build builds building built built", "wu wuru wuo", "a", "house school", frozenset()),
    ("plant plants planting planted planted", "kụ kụrụ kụọ", "", "yam corn cassava pepper beans", frozenset()),
    ("sew sews sewing sewed sewn", "kwa kwara kwaa", "", "clothes cloth", frozenset()),
    ("sweep sweeps sweeping swept swept", "za zara zaa", "the", "house school", frozenset()),
    ("carry carries carrying carried carried", "bu buru buru", "the", "water firewood bag box pot chair", frozenset()),
    ("open opens opening opened opened", "mepe mepere mepee", "the", "door window box bag book", frozenset()),
    ("close closes closing closed closed", "mechi mechiri mechie", "the", "door window box book", frozenset()),
    ("wipe wipes wiping wiped wiped", "hicha hichara hichaa", "the", "table chair window", frozenset()),
    ("repair repairs repairing repaired repaired", "dozi doziri dozie", "the", "car bicycle house chair", frozenset()),
    (
        "bring brings bringing brought brought",
        "weta wetara weta",
        "the",
        "water food chair bag key knife money",
        frozenset(),
    ),
    ("watch watches watching watched watched", "kiri kiriri kirie", "a", "film", frozenset()),
    ("learn learns learning learned learned", "mụta mụtara mụta", "", "Igbo English Hausa Yoruba", frozenset()),
    ("teach teaches teaching taught taught", "kụzi kụziri kụzie", "", "Igbo English Hausa Yoruba", frozenset()),
    ("speak speaks speaking spoke spoken", "sụ sụrụ sụọ", "", "Igbo English Hausa Yoruba", frozenset()),
    (
        "look looks looking looked looked",
        "chọ chọrọ chọọ",
        "for",
        "key bag book money dog",
        frozenset({"past", "done", "habit"}),
    ),
    ("find finds finding found found", "chọta chọtara chọta", "the", "key bag book money dog goat", EVENT),
    (
        "forget forgets forgetting forgot forgotten",
        "chefu chefuru chefuo",
        "the",
        "key bag book money",
        EVENT - {"forbid"},
    ),
)
# Complements that are not nouns of the table
FIXED: tuple[tuple[str, str, tuple[tuple[str, str], ...]], ...] = (
    ("play plays playing played played", "gba gbara gbaa", (("football", "bọọlụ"),)),
    ("dance dances dancing danced danced", "gba gbara gbaa", (("", "egwu"),)),
    ("run runs running ran run", "gba gbara gbaa", (("", "ọsọ"),)),
    ("sing sings singing sang sung", "bụ bụrụ bụọ", (("", "abụ"),)),
    ("work works working worked worked", "rụ rụrụ rụọ", (("", "ọrụ"),)),
    ("sleep sleeps sleeping slept slept", "rahụ rahụrụ rahụ", (("", "ụra"),)),
    ("bathe bathes bathing bathed bathed", "sa sara saa", (("", "ahụ"),)),
    ("talk talks talking talked talked", "kwu kwuru kwuo", (("", "okwu"),)),
    ("go goes going went gone", "ga gara gaa", tuple((f"to {place.en}", place.ig) for place in (*PLACES, *TOWNS))),
)


def _persons(pattern: str) -> tuple[tuple[str, str], ...]:
    """Everyone as an object, Igbo placed into a pattern."""
    return tuple((person.object_en, pattern.format(person.object_ig)) for person in SUBJECTS)


PERSONAL: tuple[tuple[str, str, tuple[tuple[str, str], ...], frozenset[str]], ...] = (
    ("help helps helping helped helped", "nyere nyeere nyere", _persons("{} aka"), frozenset()),
    ("call calls calling called called", "kpọ kpọrọ kpọọ", _persons("{}"), frozenset()),
    ("see sees seeing saw seen", "hụ hụrụ hụ", _persons("{}"), EVENT),
)


def _verb(en: str, ig: str, lacks: frozenset[str] = frozenset()) -> Verb:
    base, s, ing, past, done = en.split()
    root, ig_past, command = ig.split()
    return Verb(base, s, ing, past, done, root, ig_past, command, lacks)


def _of_things() -> Iterable[Phrase]:
    """Each verb with each of its nouns: bare, and for what one can own also with my, this and that."""
    for en, ig, article, objects, lacks in TABLE:
        verb = _verb(en, ig, lacks)
        lead = "for " if article == "for" else ""
        for noun in nouns(objects):
            bare = f"the {noun.en}" if article == "the" else noun.some
            yield Phrase(verb, lead + bare, noun.ig)
            if noun.kind != "mass":
                for owner, ig_owner in OWNERS.items():
                    yield Phrase(verb, f"{lead}{owner} {noun.en}", f"{noun.ig} {ig_owner}", plain=False)
                yield Phrase(verb, lead + noun.pointed("this", "these"), f"{noun.ig} a", plain=False)
                yield Phrase(verb, lead + noun.pointed("that", "those"), f"{noun.ig} ahụ", plain=False)


def _of_people() -> Iterable[Phrase]:
    for en, ig, objects, lacks in PERSONAL:
        verb = _verb(en, ig, lacks)
        yield from (Phrase(verb, *pair, plain=False) for pair in objects)


def _of_itself() -> Iterable[Phrase]:
    for en, ig, objects in FIXED:
        verb = _verb(en, ig)
        yield from (Phrase(verb, *pair) for pair in objects)


def fits(subject: Subject, phrase: Phrase) -> bool:
    """False where someone would do something to themselves, which both languages say in another way."""
    return phrase.en != subject.object_en


PHRASES = (*_of_things(), *_of_itself(), *_of_people())
