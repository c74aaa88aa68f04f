"""The phrasebook's people, the places they go to, their days and their greetings."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Subject(NamedTuple):
    """Who does something.

    `form` is how Igbo attaches the subject: m stands behind the verb, a clitic (ị, ọ) follows the verb's vowel harmony,
    anything else is a full word. `asked` is how it opens a yes-no question, where the low tone is all that asks.
    """

    en: str
    ig: str
    number: Literal["first", "singular", "plural"]
    form: Literal["m", "clitic", "full"]
    asked: str
    object_en: str
    object_ig: str


class Place(NamedTuple):
    """Where one can be or go; `at` is the English preposition for being there."""

    en: str
    ig: str
    at: Literal["at", "in"]


def _person(en: str, ig: str, number: Literal["singular", "plural"] = "singular") -> Subject:
    return Subject(en, ig, number, "full", f"{ig} {'ọ̀' if number == 'singular' else 'hà'}", en, ig)


I = Subject("I", "m", "first", "m", "", "me", "m")  # noqa: E741
YOU = Subject("you", "ị", "plural", "clitic", "ị̀", "you", "gị")
# Igbo has no gender: ọ is she, he or it. The phrasebook says "she", so that a sentence has one translation.
SHE = Subject("she", "ọ", "singular", "clitic", "ọ̀", "her", "ya")
WE = Subject("we", "anyị", "plural", "full", "ànyị", "us", "anyị")
THEY = Subject("they", "ha", "plural", "full", "hà", "them", "ha")
PRONOUNS = (I, YOU, SHE, WE, THEY)

NAMES = (
    _person("Ada", "Ada"),
    _person("Emeka", "Emeka"),
    _person("Ngozi", "Ngọzi"),
    _person("Obi", "Obi"),
    _person("Chidi", "Chidi"),
    _person("Uche", "Uche"),
    _person("Nneka", "Nneka"),
    _person("Ifeoma", "Ifeoma"),
    _person("Amaka", "Amaka"),
    _person("Kelechi", "Kelechi"),
)
FAMILY = (
    _person("my mother", "nne m"),
    _person("my father", "nna m"),
    _person("my child", "nwa m"),
    _person("my friend", "enyi m"),
    _person("my husband", "di m"),
    _person("my wife", "nwunye m"),
    _person("my grandmother", "nne nne m"),
)
OTHERS = (
    _person("the teacher", "onye nkụzi"),
    _person("the doctor", "dọkịta"),
    _person("the farmer", "onye ọrụ ugbo"),
    _person("the king", "eze"),
    _person("that man", "nwoke ahụ"),
    _person("that woman", "nwanyị ahụ"),
    _person("the children", "ụmụaka", "plural"),
    _person("the visitors", "ndị ọbịa", "plural"),
)
PEOPLE = (*NAMES, *FAMILY, *OTHERS)
SUBJECTS = (*PRONOUNS, *PEOPLE)

PLACES = (
    Place("the market", "ahịa", "at"),
    Place("school", "ụlọ akwụkwọ", "at"),
    Place("the hospital", "ụlọ ọgwụ", "at"),
    Place("church", "ụlọ ụka", "at"),
    Place("the farm", "ubi", "at"),
    Place("the office", "ọfịs", "at"),
    Place("the stream", "iyi", "at"),
)
TOWNS = (
    Place("Enugu", "Enugu", "in"),
    Place("Aba", "Aba", "in"),
    Place("Owerri", "Owere", "in"),
    Place("Onitsha", "Ọnịcha", "in"),
    Place("Lagos", "Legọs", "in"),
    Place("Abuja", "Abụja", "in"),
    Place("Nsukka", "Nsụka", "in"),
)

DAYS = {
    "Monday": "Mọnde",
    "Tuesday": "Tuzde",
    "Wednesday": "Wenezde",
    "Thursday": "Tọọzde",
    "Friday": "Fraịde",
    "Saturday": "Satọde",
    "Sunday": "Sọnde",
}
MARKET_DAYS = {"Eke": "Eke", "Orie": "Orie", "Afo": "Afọ", "Nkwo": "Nkwọ"}
HABITS = {
    "every day": "kwa ụbọchị",
    "every week": "kwa izu",
    "in the morning": "n'ụtụtụ",
    "in the evening": "n'anyasị",
    "at night": "n'abalị",
}
GREETINGS = {
    "Good morning": "Ụtụtụ ọma",
    "Good afternoon": "Ehihie ọma",
    "Good evening": "Mgbede ọma",
    "Good night": "Ka chi fo",
    "Welcome": "Nnọọ",
    "Thank you": "Daalụ",
    "Goodbye": "Ka ọ dị",
    "Sorry": "Ndo",
    "Safe journey": "Ije ọma",
    "Please wait": "Biko, chere",
    "Please sit down": "Biko, nọdụ ala",
    "Please stand up": "Biko, bilie",
    "Please come here": "Biko, bịa ebe a",
}
