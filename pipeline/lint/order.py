"""The order of the steps: nobody waits for a step that does not exist, that waits in turn, or that may never run."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.definition import Definition, Step, needs, references
from pipeline.lint.finding import Finding


def needed_steps(definition: Definition) -> dict[str, set[str]]:
    """For each step, every step that has ended before it starts. Names without a step are left out; cycles are fine."""
    known = {step.name: step for step in definition.steps}
    before: dict[str, set[str]] = {}
    for step in definition.steps:
        found: set[str] = set()
        waiting = [step]
        while waiting:
            fresh = {name for name in needs(waiting.pop()) if name in known} - found
            found |= fresh
            waiting += [known[name] for name in fresh]
        before[step.name] = found
    return before


def check_order(definition: Definition) -> Iterator[Finding]:
    """Missing steps, cycles, and waiting for a step of a branch that may not be taken."""
    known = {step.name: step for step in definition.steps}
    for step in definition.steps:
        for name, where in _waits(step):
            other = known.get(name)
            if other is None:
                problem = f"waits for the step {name!r}; there are {', '.join(known)}"
                yield Finding("missing-step", where, problem, "correct the name, or add the step")
            elif other.branch and other.branch != step.branch:
                problem = f"waits for {name}, which only runs in the {other.branch[1]} branch of {other.branch[0]}"
                remedy = f"move {step.name} into that branch, or wait for {other.branch[0]}"
                yield Finding("other-branch", where, problem, remedy)
    circle = _cycle(definition)
    if circle:
        problem = f"waits for itself: {' waits for '.join([*circle, circle[0]])}"
        yield Finding("cycle", f"Steps.{circle[0]}", problem, "remove one DependsOn or reference of this circle")


def _waits(step: Step) -> Iterator[tuple[str, str]]:
    """Steps this one names, and where it does."""
    for name in step.depends_on:
        yield name, f"Steps.{step.name}.DependsOn"
    for reference in references(step.arguments, f"Steps.{step.name}.Arguments"):
        if reference.step:
            yield reference.step, reference.where


def _cycle(definition: Definition) -> list[str]:
    """Names along the shortest circle through the first step that has one; empty when there is none."""
    known = {step.name: step for step in definition.steps}
    before = needed_steps(definition)
    paths = [[name] for name in known if name in before[name]][:1]
    seen: set[str] = set()
    for path in paths:  # grows while it is read: shortest paths first
        onward = [name for name in needs(known[path[-1]]) if name in known]
        if path[0] in onward:
            return path
        paths += [[*path, name] for name in onward if name not in seen]
        seen.update(onward)
    return []
