"""Ready-made strings for the registry, in the alphabet that the service accepts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from steps.contract import REGISTRY_KEYS

LIMIT = 256  # CustomerMetadataValue of the service model: up to 256 letters, numbers, separators and _ . : / = + - @
FOREIGN = re.compile(r"[^A-Za-z0-9 _.:/=+\-@]+")


def registry_text(text: str) -> str:
    """Text in the registry's alphabet: marks are taken off letters, other characters become one hyphen a run."""
    plain = "".join(mark for mark in unicodedata.normalize("NFKD", text) if not unicodedata.combining(mark))
    return FOREIGN.sub("-", " ".join(plain.split()))[:LIMIT]


def registry_strings(values: Mapping[str, str]) -> dict[str, str]:
    """The strings in the order of REGISTRY_KEYS. Raises KeyError when one is missing, so that none is left out."""
    return {key: registry_text(values[key]) for key in REGISTRY_KEYS}
