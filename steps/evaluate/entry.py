"""registry-entry.json: the card as one string, and the sums of the files that the registry entry points to."""

from __future__ import annotations

from pathlib import Path

from steps.contract import CARD_LIMIT, EVALUATION_REPORT, REGISTRY_ENTRY, CardText, ModelCard, RegistryEntry, save
from steps.job import Refused
from steps.sums import sha256_file


def save_entry(folder: Path, card: ModelCard, data_report: Path, bundle: str) -> None:
    """Write the entry beside the evaluation report, which must be there; `bundle` is the bundle's sha256.

    Raises Refused for a card over the limit.
    """
    if len(card.text) > CARD_LIMIT:
        raise Refused(f"the model card has {len(card.text):,} characters and the registry takes {CARD_LIMIT:,}")
    entry = RegistryEntry(
        card=CardText(content=card.text),
        digests={
            "evaluation": f"sha256:{sha256_file(folder / EVALUATION_REPORT)}",
            "data_report": f"sha256:{sha256_file(data_report)}",
            "bundle": f"sha256:{bundle}",
        },
    )
    save(folder / REGISTRY_ENTRY, entry)
