"""The phrasebook's nouns and the words that describe, count and place them, English beside Igbo.

Igbo follows the Ọnwụ orthography. Tone is marked where it alone tells words apart: àkwá (egg), ákwà (cloth), àkwà (bed).
"""

from __future__ import annotations

from typing import Literal, NamedTuple


class Noun(NamedTuple):
    """A thing. Igbo nouns do not change for number; `plural` is English and empty for what is not counted."""

    en: str
    ig: str
    plural: str
    kind: Literal["mass", "count", "plural"]

    @property
    def some(self) -> str:
        """English without a determiner that points at one: "yam", "an egg", "shoes"."""
        if self.kind != "count":
            return self.en
        return f"an {self.en}" if self.en[0] in "aeiou" else f"a {self.en}"

    def pointed(self, this: str, these: str) -> str:
        """English with the determiner that fits its number: "this egg", "these shoes"."""
        return f"{these if self.kind == 'plural' else this} {self.en}"

    @property
    def are(self) -> str:
        """The English verb be that fits."""
        return "are" if self.kind == "plural" else "is"


MASS = """
yam = ji
rice = osikapa
beans = agwa
food = nri
bread = achịcha
soup = ofe
cassava = akpụ
corn = ọka
pepper = ose
meat = anụ
fish = azụ
salt = nnu
water = mmiri
wine = mmanya
tea = tii
coffee = kọfị
medicine = ọgwụ
firewood = nkụ
cloth = ákwà
money = ego
Igbo = Igbo
English = Bekee
Hausa = Awụsa
Yoruba = Yoruba
"""
COUNT = """
egg eggs = àkwá
orange oranges = oroma
book books = akwụkwọ
letter letters = akwụkwọ ozi
story stories = akụkọ
pot pots = ite
bag bags = akpa
box boxes = igbe
car cars = ụgbọ ala
bicycle bicycles = igwe
chicken chickens = ọkụkọ
goat goats = ewu
cow cows = ehi
dog dogs = nkịta
house houses = ụlọ
school schools = ụlọ akwụkwọ
door doors = ụzọ
window windows = windo
table tables = tebụl
chair chairs = oche
bed beds = àkwà
tree trees = osisi
knife knives = mma
key keys = igodo
film films = ihe nkiri
"""
PLURAL = """
clothes = uwe
shoes = akpụkpọ ụkwụ
dishes = efere
hands = aka
"""


def _nouns(table: str, kind: Literal["mass", "count", "plural"]) -> dict[str, Noun]:
    rows = [line.split(" = ") for line in table.strip().splitlines()]
    nouns = [Noun(en.split()[0], ig, en.split()[-1] if kind != "mass" else "", kind) for en, ig in rows]
    return {noun.en: noun for noun in nouns}


NOUNS = {**_nouns(MASS, "mass"), **_nouns(COUNT, "count"), **_nouns(PLURAL, "plural")}


def nouns(names: str) -> list[Noun]:
    """Nouns by their English names, separated by spaces."""
    return [NOUNS[name] for name in names.split()]


OWNERS = {"my": "m", "your": "gị", "our": "anyị", "their": "ha"}
OWNED = {"mine": "m", "yours": "gị", "ours": "anyị", "theirs": "ha"}
NUMBERS = {
    "two": "abụọ",
    "three": "atọ",
    "four": "anọ",
    "five": "ise",
    "six": "isii",
    "seven": "asaa",
    "eight": "asatọ",
    "nine": "itoolu",
    "ten": "iri",
    "twenty": "iri abụọ",
}
POSITIONS = {
    "on": "n'elu",
    "under": "n'okpuru",
    "in": "n'ime",
    "beside": "n'akụkụ",
    "behind": "n'azụ",
    "in front of": "n'ihu",
}
# Most stand after the noun, three before it
ADJECTIVES = {
    "new": "{} ọhụrụ",
    "old": "{} ochie",
    "white": "{} ọcha",
    "black": "{} ojii",
    "red": "{} uhie",
    "big": "nnukwu {}",
    "small": "obere {}",
    "good": "ezigbo {}",
}
# Said of a thing with dị, denied with adịghị; and the nouns it makes sense of
QUALITIES = {
    "good": ("mma", "book story house car bicycle soup food bread film school knife"),
    "bad": ("njọ", "story film food soup meat house"),
    "sweet": ("ụtọ", "yam orange soup bread wine tea"),
    "cold": ("oyi", "water food soup tea coffee"),
    "hot": ("ọkụ", "water food soup tea pot"),
    "heavy": ("arọ", "bag box table pot yam bed"),
    "clean": ("ọcha", "house water clothes dishes hands table pot"),
    "near": ("nso", "house school"),
    "far": ("anya", "house school"),
    "expensive": ("oke ọnụ", "car yam meat shoes clothes cloth house bicycle rice"),
    "cheap": ("ọnụ ala", "corn orange pot bag fish shoes clothes rice"),
    "long": ("ogologo", "story letter book table film"),
    "easy": ("mfe", "book story"),
    "sharp": ("nkọ", "knife"),
    "new": ("ọhụrụ", "car house bag shoes clothes window key"),
}
