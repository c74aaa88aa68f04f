"""The grammar: how subject and verb agree, in English by number, in Igbo by vowel harmony and the subject's form."""

from __future__ import annotations

from typing import Literal

from pipeline.staging.phrasebook.people import Subject
from pipeline.staging.phrasebook.verbs import Verb

Pair = tuple[str, str]  # a sentence in English and in Igbo

HARMONY = {"ị": {"e": "i", "a": "ị"}, "ọ": {"e": "o", "a": "ọ"}}


def sentence(text: str, end: str = ".") -> str:
    """A text with single spaces, a capital and an end mark."""
    text = " ".join(text.split())
    return text[0].upper() + text[1:] + end


def pair(en: str, ig: str, end: str = ".") -> Pair:
    """Both sides as sentences."""
    return sentence(en, end), sentence(ig, end)


def be(subject: Subject) -> str:
    """am, is or are."""
    return {"first": "am", "singular": "is", "plural": "are"}[subject.number]


def have(subject: Subject) -> str:
    """have or has."""
    return "has" if subject.number == "singular" else "have"


def do(subject: Subject) -> str:
    """do or does."""
    return "does" if subject.number == "singular" else "do"


def present(subject: Subject, base: str, s: str) -> str:
    """eat or eats, after its subject."""
    return f"{subject.en} {s if subject.number == 'singular' else base}"


def going(subject: Subject, particle: Literal["na", "ga"], verb: Verb) -> str:
    """What is going on (na-) or will (ga-): Ana m eri, Ọ na-eri, Ada na-eri."""
    if subject.form == "m":
        return f"a{particle} m {verb.participle}"
    return f"{subject.ig} {particle}-{verb.participle}"


def not_going(subject: Subject, particle: Literal["na", "ga"], verb: Verb) -> str:
    """The negation: Anaghị m eri, Ọ naghị eri, Ada anaghị eri."""
    if subject.form == "m":
        return f"a{particle}ghị m {verb.participle}"
    prefix = "" if subject.form == "clitic" else "a"
    return f"{subject.ig} {prefix}{particle}ghị {verb.participle}"


def finite(subject: Subject, form: str, vowel: Literal["e", "a"], *, prefixed: bool = False) -> str:
    """A verb form after its subject: Eriri m, O riri, Ada riri.

    Negations and the perfect are `prefixed`: full subjects too then take the harmony vowel, as in Ada eriela.
    """
    if subject.form == "m":
        return f"{vowel}{form} m"
    if subject.form == "clitic":
        return f"{HARMONY[subject.ig][vowel]} {form}"
    return f"{subject.ig} {vowel if prefixed else ''}{form}"


def there(ig: str) -> str:
    """A place after the preposition, which loses its vowel before another: n'ahịa, na Legọs."""
    return f"n'{ig}" if ig[0].lower() in "aeiouịọụ" else f"na {ig}"
