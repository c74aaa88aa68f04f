"""One file per pipeline. The modules import the SDK, so this table, which the laptop reads too, names them only."""

from __future__ import annotations

import re

from pipeline.errors import BadInput

RECIPES = {"igbo": ("en", "ig")}  # compiled and shipped for the laptop
PAIR = re.compile(r"([a-z]{2,3})-([a-z]{2,3})")


def languages_of(recipe: str) -> tuple[str, str]:
    """Source and target language of a recipe: a shipped one, or any pair of codes, e.g. `en-sw`, on the same DAG.

    Raises BadInput for anything else.
    """
    if recipe in RECIPES:
        return RECIPES[recipe]
    pair = PAIR.fullmatch(recipe)
    if pair is None or pair[1] == pair[2]:
        raise BadInput(
            f"unknown recipe {recipe!r}", hint=f"use {', '.join(RECIPES)}, or two language codes such as en-sw"
        )
    return pair[1], pair[2]


def pipeline_name(recipe: str) -> str:
    """The pipeline's name, and that of the registry group its models go to."""
    return f"asusu-{recipe}"
