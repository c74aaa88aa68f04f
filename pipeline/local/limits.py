"""String slots of a job request: what must be text there, how long it may be, and how many there may be.

The service rejects a bare Integer, Float or Boolean reference in a string slot when the pipeline is created (`Cannot
assign property reference [Parameters.x] to argument of type [String]`, aws/sagemaker-python-sdk issue 4867): text is
made with `Std:Join`. Lengths and counts are those of botocore's CreateProcessingJob and CreateTrainingJob shapes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.definition import DeclaredParameter, Step
from pipeline.errors import BadInput


@dataclass(frozen=True)
class Slot:
    """One map or list of strings in a request. `key_limit` is None for a list; limits are characters."""

    path: tuple[str, ...]
    count: int
    value_limit: int
    key_limit: int | None = None

    @property
    def name(self) -> str:
        return ".".join(self.path)


SLOTS: Mapping[str, tuple[Slot, ...]] = {
    "Processing": (
        Slot(("Environment",), count=100, value_limit=256, key_limit=256),
        Slot(("AppSpecification", "ContainerEntrypoint"), count=100, value_limit=256),
        Slot(("AppSpecification", "ContainerArguments"), count=100, value_limit=256),
    ),
    "Training": (
        Slot(("HyperParameters",), count=100, value_limit=2500, key_limit=256),
        Slot(("Environment",), count=100, value_limit=512, key_limit=512),
        Slot(("AlgorithmSpecification", "ContainerEntrypoint"), count=100, value_limit=256),
        Slot(("AlgorithmSpecification", "ContainerArguments"), count=100, value_limit=256),
    ),
}


def check_references(step: Step, parameters: Mapping[str, DeclaredParameter]) -> None:
    """Raises BadInput where a literal or a parameter that is not text stands in a string slot of an unresolved step."""
    for slot in SLOTS.get(step.type, ()):
        for where, value in _values(slot, step.arguments):
            target = value.get("Get", "") if isinstance(value, Mapping) else ""
            declared = parameters.get(str(target).removeprefix("Parameters."))
            if declared and declared.type != "String":
                raise BadInput(
                    f"step {step.name}: {where} must be text, but {target} is {declared.type}",
                    hint='wrap it: {"Std:Join": {"On": "", "Values": [...]}}, in the SDK `.to_string()`',
                )
            if not isinstance(value, str | Mapping):
                raise BadInput(f"step {step.name}: {where} must be text, but it is {value!r}")


def check_strings(kind: str, request: Mapping[str, Any], step: str) -> None:
    """Raises BadInput, naming the slot and the limit, where a resolved request has a string the service refuses."""
    for slot in SLOTS[kind]:
        keys = list(_inside(request, slot.path) or ()) if slot.key_limit else []
        values = list(_values(slot, request))
        if len(values) > slot.count:
            raise BadInput(f"step {step}: {slot.name} has {len(values)} entries; the limit is {slot.count}")
        for where, value in values:
            if not isinstance(value, str):
                raise BadInput(f"step {step}: {where} must be text, but it is {value!r}", hint="wrap it in Std:Join")
            if len(value) > slot.value_limit:
                raise BadInput(f"step {step}: {where} has {len(value)} characters; the limit is {slot.value_limit}")
        for key in keys:
            if slot.key_limit and len(key) > slot.key_limit:
                raise BadInput(
                    f"step {step}: the name {key[:40]}... in {slot.name} has {len(key)} characters; "
                    f"the limit is {slot.key_limit}"
                )


def _values(slot: Slot, request: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    inside = _inside(request, slot.path)
    if isinstance(inside, Mapping):
        yield from ((f"{slot.name}.{key}", value) for key, value in inside.items())
    elif isinstance(inside, list | tuple):
        yield from ((f"{slot.name}[{index}]", value) for index, value in enumerate(inside))


def _inside(request: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    value: Any = request
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value
