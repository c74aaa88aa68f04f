"""What the steps know of a language: its name in prompts, its scripts, what an identifier may call it, its apostrophes.

A language that is not in the table works too: its code stands for its name and for what the identifier calls it, and
its script is Latin unless `PrepareOptions.languages` says otherwise.
"""

from __future__ import annotations

import regex
from pydantic import BaseModel, ConfigDict, Field, field_validator


class Language(BaseModel):
    """One language. `scripts` are Unicode script names, `identified_as` codes of CLD2."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str = Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", description="BCP 47, e.g. ig or pt-BR")
    name: str = Field(min_length=1, description="What prompts call it")
    scripts: tuple[str, ...] = Field(
        default=("Latin",), min_length=1, description="Unicode names, e.g. Latin, Ethiopic"
    )
    identified_as: tuple[str, ...] = Field(min_length=1, description="Codes that count as this language")
    fold_apostrophes: bool = Field(default=True, description="n'ụlọ and n’ụlọ are one word in keys")

    @field_validator("scripts")
    @classmethod
    def _known_scripts(cls, scripts: tuple[str, ...]) -> tuple[str, ...]:
        for script in scripts:
            try:
                if not script.isidentifier():
                    raise ValueError
                regex.compile(rf"\p{{Script={script}}}")
            except (ValueError, regex.error):
                raise ValueError(
                    f"{script!r} is no Unicode script; write Latin, Cyrillic, Han, Ethiopic, ..."
                ) from None
        return scripts


def _language(code: str, name: str, script: str = "Latin", *also: str) -> Language:
    return Language(code=code, name=name, scripts=(script,), identified_as=(code, *also))


KNOWN: dict[str, Language] = {
    language.code: language
    for language in (
        _language("am", "Amharic", "Ethiopic"),
        _language("ar", "Arabic", "Arabic"),
        _language("de", "German"),
        _language("en", "English"),
        _language("es", "Spanish"),
        _language("fr", "French"),
        _language("ha", "Hausa"),
        _language("hi", "Hindi", "Devanagari"),
        _language("ig", "Igbo"),
        _language("pt", "Portuguese"),
        _language("ru", "Russian", "Cyrillic"),
        _language("sw", "Swahili"),
        _language("xh", "Xhosa"),
        _language("yo", "Yoruba"),
        _language("zu", "Zulu"),
    )
}


# What CLD2 calls languages whose code has changed since, or that it knows under another
IDENTIFIED = {"he": "iw", "jv": "jw", "fil": "tl", "nb": "no", "nn": "no", "mo": "ro"}


def language(code: str) -> Language:
    """The language of a code; one that is not in the table stands for its own name. Raises ValueError for no code."""
    primary = code.split("-", maxsplit=1)[0]
    return KNOWN.get(code) or _language(code, code, "Latin", primary, IDENTIFIED.get(primary, primary))
