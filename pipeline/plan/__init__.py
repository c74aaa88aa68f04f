"""The plan: what changes when a compiled definition takes the place of the deployed one, and what follows from it.

This room reads two definitions and nothing else: no account, no settings. Every difference of the JSON is a change of the
plan, so nothing changes silently; what loosens the gate and which caches miss is worked out besides.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.definition import OWN_SUM, Definition
from pipeline.plan.caching import CacheEffect, cache_effects
from pipeline.plan.change import Change, describe
from pipeline.plan.gate import Loosened, loosened
from pipeline.plan.leaves import Path, differences

__all__ = ["CacheEffect", "Change", "Loosened", "Plan", "compare", "undone"]


@dataclass(frozen=True)
class Plan:
    """What deploying would change. `creates` says that nothing is deployed yet; then there are no changes to list."""

    creates: bool
    changes: tuple[Change, ...] = ()
    loosened: tuple[Loosened, ...] = ()
    caches: tuple[CacheEffect, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether the deployed definition is this one."""
        return not self.creates and not self.changes


def undone(edits: Plan, plan: Plan) -> list[Change]:
    """Those of somebody's edits that a plan changes again. The definition's own sum changes with anything and is no edit."""
    return [
        edit
        for edit in edits.changes
        if edit.path[-1] != OWN_SUM and any(_overlap(edit.path, change.path) for change in plan.changes)
    ]


def _overlap(one: Path, other: Path) -> bool:
    shorter = min(len(one), len(other))
    return one[:shorter] == other[:shorter]


def compare(
    before: Definition | None,
    after: Definition,
    around_before: Mapping[str, Any] | None = None,
    around_after: Mapping[str, Any] | None = None,
) -> Plan:
    """The plan from what is deployed, None for nothing, to a compiled definition.

    What stands around a definition in an account, its `Role` and `Tags`, is compared where it is given.
    """
    if before is None:
        return Plan(creates=True)
    around = [describe(one) for one in differences(around_before or {}, around_after or {})]
    inner = [describe(one) for one in differences(before.raw, after.raw)]
    if not inner:
        return Plan(creates=False, changes=tuple(around))
    return Plan(False, (*around, *inner), tuple(loosened(before, after)), tuple(cache_effects(before, after)))
