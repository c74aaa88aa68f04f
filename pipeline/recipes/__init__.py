"""One file per pipeline. The modules import the SDK, so this table, which the laptop reads too, names them only."""

from __future__ import annotations

import re

from pipeline.errors import BadInput

RECIPES = {"igbo": ("en", "ig")}  # compiled and shipped for the laptop
TAG = r"([a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*)"
PAIR = re.compile(rf"([a-z]{{2,3}})-([a-z]{{2,3}})|{TAG}_{TAG}")


def languages_of(recipe: str) -> tuple[str, str]:
    """Source and target language of a recipe: a shipped one, or any pair of codes on the same DAG.

    A pair is `en-sw`, or with regions and scripts `en_id-Latn`.

    Raises BadInput for anything else.
    """
    if recipe in RECIPES:
        return RECIPES[recipe]
    pair = PAIR.fullmatch(recipe)
    codes = [code for code in pair.groups() if code] if pair else []
    if len(set(codes)) < 2:
        raise BadInput(
            f"unknown recipe {recipe!r}", hint=f"use {', '.join(RECIPES)}, or two language codes such as en-sw"
        )
    return codes[0], codes[1]


def pipeline_name(recipe: str) -> str:
    """The pipeline's name, and that of the registry group its models go to."""
    return f"asusu-{recipe.replace('_', '-')}"
