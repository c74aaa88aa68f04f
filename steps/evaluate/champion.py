"""The approved model that a new one must not fall behind, as it lies in the mounted champion folder."""

from __future__ import annotations

from pathlib import Path

from steps.contract import ADAPTER_FOLDER, ADAPTER_WEIGHTS, NONE_OBJECT
from steps.job import Refused
from steps.sums import sha256_file


def find_champion(folder: Path) -> Path | None:
    """The champion's adapter folder, or None where `none.json` says that nothing has been approved yet.

    Raises Refused for a folder that says neither or both: an approval that was cut short must not pass for no champion.
    """
    none, adapter = (folder / NONE_OBJECT).is_file(), folder / ADAPTER_FOLDER
    if none and not adapter.exists():
        return None
    if adapter.is_dir() and not none:
        return adapter
    what = f"both {NONE_OBJECT} and {ADAPTER_FOLDER}/" if none else f"neither {NONE_OBJECT} nor {ADAPTER_FOLDER}/"
    raise Refused(f"the champion folder holds {what}; approve a version again, or publish {NONE_OBJECT}")


def champion_name(adapter: Path | None) -> str:
    """What the report calls the champion: the sum of its weights, or `none`."""
    return f"adapter sha256:{sha256_file(adapter / ADAPTER_WEIGHTS)}" if adapter else "none"
