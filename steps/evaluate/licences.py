"""LICENCES.md of a bundle: what the adapter was made from, and under which licences, as the manifests state them."""

from __future__ import annotations

import re

from steps.contract import BaseModelManifest, DataReport
from steps.evaluate.card import LINE, legible

UNSTATED = "not stated"
MARKUP = re.compile(r"([\\`*_\[\]<>|#~&])")


def licences(base: BaseModelManifest, data: DataReport) -> str:
    """Markdown, a line for the base model and one for each source. Names and licences are shown, never interpreted."""
    return "\n".join(
        [
            "# Licences",
            "",
            "The adapter in this archive was trained on the base model and the texts below. It has no licence of its own here:",
            "whoever hands it on sees to it that theirs allow that. Nothing below was checked; it is what was stated when base",
            "model and corpus were published.",
            "",
            "## Base model",
            "",
            f"- {_shown(base.name)}, revision {_shown(base.revision)}: {_shown(base.licence)}",
            "",
            f"## Corpus: {_shown(data.corpus)}",
            "",
            *(f"- {_shown(source.name)}, {source.lines} pairs: {_shown(source.licence)}" for source in data.sources),
            "",
        ]
    )


def _shown(text: str) -> str:
    """One line of somebody else's text, its marks of Markdown taken literally."""
    return MARKUP.sub(r"\\\1", legible(text, LINE)) if legible(text, LINE) != "-" else UNSTATED
