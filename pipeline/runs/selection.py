"""Which steps a selective execution runs, and what it takes over from an earlier one.

The service runs the selected steps alone: all between two of them must be among them, and what they need of others comes
from a source execution that has ended (developer guide, "Selective execution of pipeline steps"). The execution has an id
of its own, so addresses that hold the id are new ones.
"""

from __future__ import annotations

from pipeline.definition import Definition, Step, in_order, needs, references
from pipeline.errors import BadInput

LAST_CANARY = "CanaryResume"
TRAINING = "TrainLora"  # the long one, which reads ResumeFrom
BEHIND_CANARIES = (TRAINING, "EvaluateModel")
MOST_SELECTED = 50  # botocore's shape of SelectedSteps


def from_step(definition: Definition, name: str) -> tuple[str, ...]:
    """A step and every one after it, in order. Raises BadInput for a step that does not exist or cannot be the first."""
    step = _step(definition, name)
    if step.branch:
        raise BadInput(
            f"{name} is a branch of {step.branch[0]}, which decides whether it runs", hint=f"--from {step.branch[0]}"
        )
    chosen = {name}
    for later in in_order(definition):
        if chosen.intersection(needs(later)):
            chosen.add(later.name)
    return _selected(definition, chosen)


def canaries_only(definition: Definition) -> tuple[str, ...]:
    """Everything up to the second canary: what proves a run before its long training. Nothing is taken over."""
    _step(definition, LAST_CANARY)
    chosen = {LAST_CANARY}
    for earlier in reversed(in_order(definition)):
        if earlier.name in chosen:
            chosen.update(needs(earlier))
    return _selected(definition, chosen)


def taken_over(definition: Definition, selected: tuple[str, ...]) -> tuple[str, ...]:
    """Steps before the selected ones, directly or not: their results come from the source execution."""
    earlier: set[str] = set()
    for step in reversed(in_order(definition)):
        if step.name in selected or step.name in earlier:
            earlier.update(needs(step))
    return tuple(step.name for step in definition.steps if step.name in earlier - set(selected))


def trains(definition: Definition, selected: tuple[str, ...]) -> bool:
    """Whether a training job is among the steps to run; none selected means all."""
    return any(step.type == "Training" for step in definition.steps if not selected or step.name in selected)


def read_before(definition: Definition, names: tuple[str, ...], parameter: str) -> list[str]:
    """Those of the steps that were made with a parameter's earlier value."""
    return [
        step.name
        for step in definition.steps
        if step.name in names and any(found.target == f"Parameters.{parameter}" for found in references(step.arguments))
    ]


def _step(definition: Definition, name: str) -> Step:
    try:
        return definition.step(name)
    except BadInput as error:
        known = ", ".join(step.name for step in in_order(definition) if not step.branch)
        raise BadInput(f"the deployed pipeline has no step {name!r}", hint=f"one of {known}") from error


def _selected(definition: Definition, chosen: set[str]) -> tuple[str, ...]:
    names = tuple(step.name for step in in_order(definition) if step.name in chosen)
    if len(names) > MOST_SELECTED:
        raise BadInput(f"{len(names)} steps would run, and a selective execution takes {MOST_SELECTED}")
    _refuse_left_behind(definition, names)
    return names


def _refuse_left_behind(definition: Definition, names: tuple[str, ...]) -> None:
    """Raises BadInput where a step would look for the checkpoint of one that does not run again.

    Both have the address of their own execution; the new one's is empty.
    """
    addresses = {step.name: step.arguments.get("CheckpointConfig") for step in definition.steps}
    for name in names:
        for other in taken_over(definition, names):
            if addresses[name] and addresses[name] == addresses[other]:
                raise BadInput(
                    f"{name} goes on from the checkpoint of {other}, which stays at the earlier execution's address",
                    hint=f"--from {other}",
                )
