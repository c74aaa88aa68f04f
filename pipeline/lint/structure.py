"""The outline: step types, unique names, one level of Conditions, and branches that both do something."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from pipeline.definition import Definition
from pipeline.lint.finding import Finding
from pipeline.lint.walk import dig, rows

STEP_TYPES = ("Processing", "Training", "Condition", "RegisterModel", "Fail")
NAMED_LISTS = (
    (("ProcessingInputs",), "InputName"),
    (("ProcessingOutputConfig", "Outputs"), "OutputName"),
    (("InputDataConfig",), "ChannelName"),
    (("AlgorithmSpecification", "MetricDefinitions"), "Name"),
)


def check_steps(definition: Definition) -> Iterator[Finding]:
    """Unique names of known types; a step in both branches of a Condition shows as a duplicate."""
    counts = Counter(step.name for step in definition.steps)
    for name, count in counts.items():
        if count > 1:
            problem = f"{count} steps have this name; a step may stand in one place only"
            yield Finding("duplicate-step", f"Steps.{name}", problem, "rename one, or keep it in one branch")
    for step in definition.steps:
        if step.type not in STEP_TYPES:
            problem = f"is of type {step.type!r}; this project reads {', '.join(STEP_TYPES)}"
            yield Finding("step-type", f"Steps.{step.name}", problem, "use one of these types")
        if step.type == "Fail" and not dig(step.arguments, "ErrorMessage"):
            where = f"Steps.{step.name}.Arguments.ErrorMessage"
            problem = "a Fail step without a message tells nobody why"
            yield Finding("missing-argument", where, problem, "name the number and its limit")
        for keys, member in NAMED_LISTS:
            names = Counter(str(dig(row, member)) for row in rows(step.arguments, *keys))
            for name in (name for name, count in names.items() if count > 1):
                where = f"Steps.{step.name}.Arguments.{'.'.join(keys)}"
                yield Finding("duplicate-name", where, f"has {member} {name!r} twice", "give each a name of its own")


def check_branches(definition: Definition) -> Iterator[Finding]:
    """No Condition inside a Condition, and no empty branch: an empty Else lets a failed gate look like success."""
    for step in definition.steps:
        if step.type != "Condition":
            continue
        if step.branch:
            problem = f"is a Condition inside the Condition {step.branch[0]}; the service refuses nested ones"
            yield Finding("nested-condition", f"Steps.{step.name}", problem, "decide in the step before, compare once")
        for branch in ("IfSteps", "ElseSteps"):
            if not rows(step.arguments, branch):
                problem = "is empty: the pipeline would end as Succeeded without having done anything"
                remedy = "add a Fail step that names the number and the limit" if branch == "ElseSteps" else "add steps"
                yield Finding("empty-branch", f"Steps.{step.name}.Arguments.{branch}", problem, remedy)
