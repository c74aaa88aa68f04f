"""Whether a change makes the gate looser: what would be registered now that would have been refused before.

Three things decide on registration: the limits in steps/parameters.py, the conditions that stand before a RegisterModel
step, and the status that it registers with.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from pipeline.definition import Definition, Step, references
from pipeline.lint.values import resolve
from pipeline.lint.walk import dig, pairs, rows
from pipeline.words import condition_in_words, in_words

LOOSER: dict[str, Literal["higher", "lower"]] = {  # every parameter of the gate, and where it lets more through
    "MaxValidationLoss": "higher",
    "MinTrainingFraction": "lower",
    "MaxBrokenShare": "higher",
}
MEANINGS = {
    "MaxValidationLoss": "models with a higher validation loss than before are registered",
    "MinTrainingFraction": "models that were trained for less of the plan than before are registered",
    "MaxBrokenShare": "models with more broken translations than before are registered",
}
UPPER, LOWER = ("LessThan", "LessThanOrEqualTo"), ("GreaterThan", "GreaterThanOrEqualTo")
PENDING = "PendingManualApproval"


@dataclass(frozen=True)
class Loosened:
    """One way in which the gate lets more through. Sides are in words; `after` is empty for a rule that is gone."""

    what: str
    before: str
    after: str
    meaning: str


@dataclass(frozen=True)
class _Guard:
    """A condition that must hold before a model is registered. `limit` is None where it is no plain number."""

    words: str
    kind: str
    left: str
    parameter: str
    limit: float | None

    def as_strict_as(self, other: _Guard) -> bool:
        """Whether nothing passes this that the other stops. Where limits cannot be compared, the same words decide."""
        if self.left != other.left or self.limit is None or other.limit is None:
            return self.words == other.words
        if self.kind != other.kind and not (
            self.kind in ("LessThan", "GreaterThan") and other.kind.startswith(self.kind)
        ):
            return False
        if other.kind in UPPER:
            return self.limit <= other.limit
        return self.limit >= other.limit if other.kind in LOWER else self.words == other.words


def loosened(before: Definition, after: Definition) -> list[Loosened]:
    """Every way in which `after` would register what `before` refused; empty when it is at least as strict."""
    found = list(_limits(before, after))
    told = {one.what for one in found}
    return [*found, *(one for one in _guards(before, after) if one.what not in told), *_statuses(before, after)]


def _limits(before: Definition, after: Definition) -> Iterator[Loosened]:
    """Limits by name: the default, or what a step is given in its place."""
    for name, looser in LOOSER.items():
        ours, theirs = _values(name, before), _values(name, after)
        for where, old in ours.items():
            if old is None or (where not in theirs and (where == "default" or _gone(where, after))):
                continue  # nothing to compare with; a removed step and its guards are told as such
            new = theirs.get(where)
            if where not in theirs:
                yield Loosened(name, f"{old:g}", "", f"{where} is no longer given this limit")
                break
            if new is not None and (new > old if looser == "higher" else new < old):
                yield Loosened(name, f"{old:g}", f"{new:g}", MEANINGS[name])
                break


def _values(name: str, definition: Definition) -> dict[str, float | None]:
    """What the limit is, as the parameter's default and in each step that reads it, by place."""
    found: dict[str, float | None] = {}
    for parameter in definition.parameters:
        if parameter.name == name:
            found["default"] = _number(parameter.default)
    for step in definition.steps:
        for member in ("Environment", "HyperParameters"):
            for key, value in pairs(step.arguments, member):
                if key == name:
                    found[step.name] = _resolved(value, definition)
    return found


def _gone(step_name: str, definition: Definition) -> bool:
    return all(step.name != step_name for step in definition.steps)


def _without_default(name: str, definition: Definition) -> bool:
    return any(row.name == name and row.default is None for row in definition.parameters)


def _resolved(value: Any, definition: Definition) -> float | None:
    """The number that a value is with the defaults, None where it is none or is known at the start only."""
    for reference in references(value):
        area, _, name = reference.target.partition(".")
        if area != "Parameters" or _without_default(name, definition):
            return None
    return None if "Std:JsonGet" in str(value) else _number(resolve(value, definition))


def _number(value: Any) -> float | None:
    try:
        return None if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return None


def _guards(before: Definition, after: Definition) -> Iterator[Loosened]:
    """Conditions that stood before every registration and stand no longer, or stop less."""
    needed = _common([_of_step(step, before) for step in _registrations(before)])
    for step in _registrations(after):
        present = _of_step(step, after)
        for guard in needed:
            if any(other.as_strict_as(guard) for other in present):
                continue
            instead = next((other for other in present if other.left == guard.left), None)
            meaning = f"{step.name} no longer waits for this" if instead is None else f"{step.name} waits for less"
            yield Loosened(
                guard.parameter
                if guard.parameter and instead and instead.parameter == guard.parameter
                else guard.words,
                guard.words if instead is None or instead.limit is None or guard.limit is None else f"{guard.limit:g}",
                "" if instead is None else instead.words if instead.limit is None else f"{instead.limit:g}",
                meaning,
            )


def _registrations(definition: Definition) -> list[Step]:
    return [step for step in definition.steps if step.type == "RegisterModel"]


def _common(sets: list[list[_Guard]]) -> list[_Guard]:
    return [guard for guard in sets[0] if all(guard in other for other in sets[1:])] if sets else []


def _of_step(step: Step, definition: Definition) -> list[_Guard]:
    """The conditions around a step; those of an Else branch hold when the step does not run, so they count as one."""
    if step.branch is None:
        return []
    name, side = step.branch
    conditions = list(_flat(rows(definition.step(name).arguments, "Conditions")))
    guards = [_guard(condition, definition) for condition in conditions]
    if side == "If":
        return guards
    words = "not (" + " and ".join(guard.words for guard in guards) + ")"
    return [_Guard(words, "Not", words, "", None)]


def _flat(conditions: list[Any]) -> Iterator[Any]:
    for condition in conditions:
        if dig(condition, "Type") == "And":
            yield from _flat(rows(condition, "Conditions"))
        else:
            yield condition


def _guard(condition: Any, definition: Definition) -> _Guard:
    left, right = dig(condition, "LeftValue"), dig(condition, "RightValue")
    words = condition_in_words(condition)
    parameter = str(dig(right, "Get") or "").removeprefix("Parameters.")
    limit = _resolved(right, definition) if dig(condition, "Type") in (*UPPER, *LOWER) else None
    return _Guard(words, str(dig(condition, "Type")), in_words(left) if left is not None else words, parameter, limit)


def _statuses(before: Definition, after: Definition) -> Iterator[Loosened]:
    """A model that would be approved without anybody."""
    waited = all(dig(step.arguments, "ModelApprovalStatus") == PENDING for step in _registrations(before))
    for step in _registrations(after):
        status = dig(step.arguments, "ModelApprovalStatus")
        if _registrations(before) and waited and status != PENDING:
            yield Loosened(
                f"{step.name}.ModelApprovalStatus", PENDING, str(status), "models are approved without anybody"
            )
