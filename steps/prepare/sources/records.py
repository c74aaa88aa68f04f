"""Texts of one record, as JSONL and Parquet spell them: under the language codes, or in an object `translation`."""

from __future__ import annotations

NESTED = "translation"  # the layout of the translation sets of the Hugging Face hub
REMEDY = 'name the fields by language code: {"%s": "...", "%s": "..."}, alone or in a "' + NESTED + '"'


def remedy(languages: tuple[str, str]) -> str:
    """What to do about fields that are not there."""
    return REMEDY % languages
