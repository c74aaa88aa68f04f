"""One file per pipeline. The modules import the SDK, so this table, which the laptop reads too, names them only."""

from __future__ import annotations

RECIPES = {"igbo": "pipeline.recipes.igbo"}
LANGUAGES = {"igbo": ("en", "ig")}
