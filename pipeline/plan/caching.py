"""Which cached steps will run again because of a change, and why.

The service compares the members of a request that are listed in lint's `COMPARED`, with their values filled in. So a step
misses when one of them changes, when the default of a parameter in them changes, and when a step whose output it reads
runs again, since that output then lies at a new address.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.definition import Definition, Step, references
from pipeline.lint.caching import COMPARED
from pipeline.lint.walk import dig
from pipeline.plan.change import shown
from pipeline.plan.leaves import Path, differences, place, same

KEYS = COMPARED | {
    "Training": ("AlgorithmSpecification", "CheckpointConfig", "Environment", "HyperParameters", "InputDataConfig")
}


@dataclass(frozen=True)
class CacheEffect:
    """What becomes of a step's cache. `why` is empty where earlier results are still taken."""

    step: str
    why: tuple[str, ...]

    @property
    def hits(self) -> bool:
        """Whether an earlier result still counts."""
        return not self.why


def cache_effects(before: Definition, after: Definition) -> list[CacheEffect]:
    """One entry for each step that caches before or after, in the order of the text."""
    known = {step.name: step for step in before.steps}
    caching = [step for step in after.steps if _caches(step) or (step.name in known and _caches(known[step.name]))]
    why = {step.name: list(_reasons(step, known.get(step.name), before, after)) for step in caching}
    fresh = {step.name for step in after.steps if step.name not in known}
    sources = {step.name: _read(step) & (fresh | why.keys()) for step in caching}
    again = fresh | {name for name, reasons in why.items() if reasons}
    while more := {name for name in sources if name not in again and sources[name] & again}:
        again |= more  # new addresses for those that read it, in turn
    for name, read in sources.items():
        if moved := sorted(read & again):
            why[name].append(f"{' and '.join(moved)} runs again, so what it reads lies at a new address")
    return [CacheEffect(name, tuple(reasons)) for name, reasons in why.items()]


def _caches(step: Step) -> bool:
    return dig(step.raw, "CacheConfig", "Enabled") is True


def _reasons(step: Step, known: Step | None, before: Definition, after: Definition) -> Iterator[str]:
    if known is None:
        yield "it is a new step"
    elif not _caches(step):
        yield "caching was switched off"
    elif not _caches(known):
        yield "it is cached from now on; the first run fills the cache"
    else:
        if known.type != step.type:
            yield "it is another kind of step"
        ours, theirs = _compared(known), _compared(step)
        for found in differences(ours, theirs):
            yield f"{_in_words(found.path)} changes"
        yield from _defaults(step, before, after)
        kept, keeps = dig(known.raw, "CacheConfig", "ExpireAfter"), dig(step.raw, "CacheConfig", "ExpireAfter")
        if kept != keeps:
            yield f"results count for {shown(keeps)} instead of {shown(kept)}"


def _compared(step: Step) -> dict[str, object]:
    return {key: step.arguments.get(key) for key in KEYS.get(step.type, tuple(step.arguments)) if key in step.arguments}


def _in_words(path: Path) -> str:
    if path[-1] in ("ImageUri", "TrainingImage"):
        return "its image"
    if len(path) == 2 and path[0] in ("Environment", "HyperParameters"):
        return f"{'its setting' if path[0] == 'Environment' else 'its hyperparameter'} {path[1]}"
    if path[0] in ("ProcessingInputs", "InputDataConfig") and len(path) > 1:
        return f"its input {path[1]}"
    return place(path)


def _defaults(step: Step, before: Definition, after: Definition) -> Iterator[str]:
    ours = {row.name: row.default for row in before.parameters}
    theirs = {row.name: row.default for row in after.parameters}
    read = [one.target.removeprefix("Parameters.") for one in references(_compared(step))]
    names = [name for name in dict.fromkeys(read) if name in ours and name in theirs]
    if changed := [name for name in names if not same(ours[name], theirs[name])]:
        many = len(changed) > 1
        yield (
            f"the default{'s' if many else ''} of {', '.join(changed)} change{'' if many else 's'}, unless a start gives"
            f" the old value{'s' if many else ''}"
        )


def _read(step: Step) -> set[str]:
    """Steps whose outputs are part of what the cache compares."""
    return {one.step for one in references(_compared(step)) if one.step}
