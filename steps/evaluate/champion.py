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
    BaseModelManifest,
    ChampionManifest,
    load,
)
from steps.job import Refused
from steps.sums import sha256_file


@dataclass(frozen=True)
class Champion:
    """The approved version: its adapter's folder, and what its approval wrote of it."""

    adapter: Path
    manifest: ChampionManifest

    @property
    def name(self) -> str:
        """`group/version`, as the registry says it."""
        return self.manifest.package

    @property
    def sums(self) -> str:
        """Of weights and configuration: what its translations depend on besides the base model."""
        return self.manifest.adapter_sha256 + self.manifest.adapter_config_sha256

    def why_not_comparable(self, base: BaseModelManifest) -> str:
        """Why it cannot be scored on the mounted base model, in one sentence; empty when it can."""
        try:
            trained_for = json.loads((self.adapter / ADAPTER_CONFIG).read_text(encoding="utf-8"))[
                "base_model_name_or_path"
            ]
        except (OSError, ValueError, KeyError) as error:
            raise Refused(f"the champion {self.name} has no usable {ADAPTER_CONFIG}: {error}") from error
        if trained_for != base.name:
            return f"it was trained for {trained_for}, not for the mounted {base.name}"
        evaluated_on = self.manifest.base_model_sha256
        if evaluated_on != base.fingerprint:
            return (
                f"it was evaluated on another revision of {base.name} (sha256:{evaluated_on[:12]}) than the mounted one"
                f" (sha256:{base.fingerprint[:12]})"
            )
        return ""


def find_champion(folder: Path) -> Champion | None:
    """The champion, or None where `none.json` says that nothing has been approved yet.

    Raises Refused for a folder that says neither or both, and for an adapter that is not the approved one: an approval
    that was cut short must not pass for no champion.
    """
    none, adapter = (folder / NONE_OBJECT).is_file(), folder / ADAPTER_FOLDER
    if none and not adapter.exists():
        return None
    if not adapter.is_dir() or none:
        what = f"both {NONE_OBJECT} and {ADAPTER_FOLDER}/" if none else f"neither {NONE_OBJECT} nor {ADAPTER_FOLDER}/"
        raise Refused(f"the champion folder holds {what}; approve a version again, or publish {NONE_OBJECT}")
    try:
        manifest = load(folder / CHAMPION, ChampionManifest)
    except Refused as error:
        raise Refused(f"the champion is not usable: {error}; approve a version again") from error
    for file, approved in (
        (ADAPTER_WEIGHTS, manifest.adapter_sha256),
        (ADAPTER_CONFIG, manifest.adapter_config_sha256),
    ):
        if not (adapter / file).is_file():
            raise Refused(f"the champion adapter has no {file}; approve a version again")
        if sha256_file(adapter / file) != approved:
            raise Refused(
                f"the champion's {file} is not the one of {manifest.package} that was approved; approve it again"
            )
    return Champion(adapter, manifest)
