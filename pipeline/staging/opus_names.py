"""How OPUS, the open collection of parallel corpora, names and packs a corpus, and what is written down of a fetched one.

    https://object.pouta.csc.fi/OPUS-<corpus>/<release>/moses/<pair>.txt.zip

The pair is the two codes in alphabetical order, whichever way one translates; the members of the archive are
`<corpus>.<pair>.<code>`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from pipeline.errors import BadInput
from steps.contract import FileEntry

BASE_URL = "https://object.pouta.csc.fi"
CATALOGUE = "https://opus.nlpl.eu"
UNKNOWN = "see README and LICENSE beside the files"
# Used where an archive states none. From the collection's own page of each corpus; others: see the archive.
LICENCES = {
    "NLLB": "ODC-By 1.0",
    "QED": "research only, Qatar Computing Research Institute",
    "TED2020": "TED Talks Usage Policy",
    "Tatoeba": "CC BY 2.0 FR",
    "tico-19": "CC0 1.0",
    "wikimedia": "CC BY-SA 4.0",
}


@dataclass(frozen=True)
class OpusCorpus:
    """One release of a corpus in one pair of languages, by the codes of OPUS, in the order they will be used in."""

    name: str
    release: str
    languages: tuple[str, str]

    @property
    def pair(self) -> str:
        """As OPUS spells it: in alphabetical order."""
        return "-".join(sorted(self.languages))

    @property
    def folder(self) -> str:
        """Name of the folder its files are put in."""
        return f"{self.name}-{self.release}.{self.pair}"

    @property
    def sides(self) -> tuple[str, str]:
        """Names of its two files, source first."""
        first, second = (f"{self.name}.{self.pair}.{code}" for code in self.languages)
        return first, second

    def url(self, base: str) -> str:
        """Address of its archive."""
        return f"{base.rstrip('/')}/OPUS-{self.name}/{self.release}/moses/{self.pair}.txt.zip"


class Source(BaseModel):
    """source.json: where the files beside it come from. The sums of `archive` and of every file are recorded."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    corpus: str
    release: str
    languages: list[str]
    url: str
    bytes: int
    sha256: str
    licence: str
    lines: dict[str, int]
    files: list[FileEntry]


def parse_name(text: str, source: str, target: str) -> OpusCorpus:
    """`opus:NLLB/v1` and two codes of OPUS. Raises BadInput with everything that is wrong."""
    match = re.fullmatch(r"opus:([A-Za-z0-9][\w.-]*)/([\w][\w.-]*)", text, re.ASCII)
    codes = (source, target)
    problems = [] if match else [f"{text!r} is not opus:<corpus>/<release>, e.g. opus:NLLB/v1"]
    problems += [
        f"{code!r} is not a language code such as en, ig or zh_CN"
        for code in codes
        if not re.fullmatch(r"[a-z]{2,3}(_[A-Za-z0-9]{2,8})*", code)
    ]
    if source == target:
        problems.append(f"both languages are {source!r}")
    if problems or not match:
        raise BadInput("; ".join(problems), hint=f"{CATALOGUE} lists corpora, their releases and their languages")
    return OpusCorpus(match[1], match[2], codes)
