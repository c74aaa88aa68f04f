"""The approved model that a new one must not fall behind, as it lies in the mounted champion folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from steps.contract import (
    ADAPTER_CONFIG,
    ADAPTER_FOLDER,
    ADAPTER_WEIGHTS,
    CHAMPION,
    NONE_OBJECT,
    ChampionManifest,
    load,
)
from steps.job import Refused
from steps.sums import sha256_file


@dataclass(frozen=True)
class Champion:
    """The approved version: its adapter's folder, and its name as the registry says it."""

    adapter: Path
    name: str

    def why_not_comparable(self, base_model: str) -> str:
        """Why it cannot be scored on the mounted base model, in one sentence; empty when it can."""
        try:
            trained_for = json.loads((self.adapter / ADAPTER_CONFIG).read_text(encoding="utf-8"))[
                "base_model_name_or_path"
            ]
        except (OSError, ValueError, KeyError) as error:
            raise Refused(f"the champion {self.name} has no usable {ADAPTER_CONFIG}: {error}") from error
        return (
            "" if trained_for == base_model else f"it was trained for {trained_for}, not for the mounted {base_model}"
        )


def find_champion(folder: Path) -> Champion | None:
    """The champion, or None where `none.json` says that nothing has been approved yet.

    Raises Refused for a folder that says neither or both, and for weights that are not the approved ones: an approval
    that was cut short must not pass for no champion.
    """
    none, adapter = (folder / NONE_OBJECT).is_file(), folder / ADAPTER_FOLDER
    if none and not adapter.exists():
        return None
    if not adapter.is_dir() or none:
        what = f"both {NONE_OBJECT} and {ADAPTER_FOLDER}/" if none else f"neither {NONE_OBJECT} nor {ADAPTER_FOLDER}/"
        raise Refused(f"the champion folder holds {what}; approve a version again, or publish {NONE_OBJECT}")
    manifest = load(folder / CHAMPION, ChampionManifest)
    if not (adapter / ADAPTER_WEIGHTS).is_file():
        raise Refused(f"the champion adapter has no {ADAPTER_WEIGHTS}; approve a version again")
    if sha256_file(adapter / ADAPTER_WEIGHTS) != manifest.adapter_sha256:
        raise Refused(
            f"the champion's weights are not those of {manifest.package} that were approved; approve it again"
        )
    return Champion(adapter, manifest.package)
