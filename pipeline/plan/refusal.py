"""Why a definition may not be deployed, every reason at once, each with what lets it through on purpose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.checkout import Checkout
from pipeline.errors import EXIT_REFUSED, AsusuError
from pipeline.plan import Loosened
from pipeline.preflight import Check

FEW = 5  # paths that a sentence names


class DeploymentRefused(AsusuError):
    """Nothing was deployed."""

    exit_code = EXIT_REFUSED


@dataclass(frozen=True)
class Allowed:
    """What somebody has taken upon themselves: a looser gate, uncommitted code, edits of others that will be lost."""

    looser_gate: bool = False
    dirty: bool = False
    edits: bool = False


@dataclass(frozen=True)
class Lost:
    """What deploying would lose of what others did since the last upsert, and how to keep it."""

    what: str
    remedy: str


def refuse(
    looser: Sequence[Loosened], checks: Sequence[Check], code: Checkout | None, lost: Lost | None, allowed: Allowed
) -> None:
    """Raises DeploymentRefused where anything stands against it. `code` is None where none of it is deployed."""
    reasons = [
        *(f"{check.name}: {check.detail}\n    next: {check.fix}" for check in checks if check.status == "refused"),
        *_dirty(code, allowed),
        *_edits(lost, allowed),
        *_gate(looser, allowed),
    ]
    if reasons:
        listed = "\n  ".join(reasons)
        raise DeploymentRefused(f"not deployed, {len(reasons)} reason(s) against it:\n  {listed}")


def _dirty(code: Checkout | None, allowed: Allowed) -> list[str]:
    if code is None or not code.dirty or allowed.dirty:
        return []
    more = f" and {len(code.edited) - FEW} more" if len(code.edited) > FEW else ""
    paths = ", ".join(code.edited[:FEW]) + more
    return [f"the code is not that of commit {code.code[:12]}: {paths}\n    next: commit it, or --allow-dirty"]


def _edits(lost: Lost | None, allowed: Allowed) -> list[str]:
    if lost is None or allowed.edits:
        return []
    return [f"what is deployed is not what was deployed last: {lost.what}\n    next: {lost.remedy}"]


def _gate(looser: Sequence[Loosened], allowed: Allowed) -> list[str]:
    if not looser or allowed.looser_gate:
        return []
    listed = ", ".join(
        f"{one.what} {one.before} → {one.after}" if one.after else f"{one.what} is gone" for one in looser
    )
    return [f"the gate gets looser: {listed}\n    next: put it back, or --accept"]
