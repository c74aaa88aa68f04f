"""Everything about a definition that can be refused before anything runs, each with the place it stands."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.definition import Definition, Reference, Step, in_order, references
from pipeline.errors import BadInput
from pipeline.local.conditions import check_shape
from pipeline.local.limits import check_references
from pipeline.local.resolver import EXECUTION_VARIABLES, FUNCTIONS

SUPPORTED_TYPES = ("Processing", "Training", "Condition", "Fail", "RegisterModel")
PARAMETER_TYPES = ("String", "Integer", "Float", "Boolean")
ON_AWS = "the local run knows {}; a pipeline with more has to run at the service"


def check_definition(definition: Definition) -> None:
    """Raises BadInput for the first thing in a definition that this runner, or the service, does not take.

    Step types, conditions inside conditions, a step named twice, run conditions in DependsOn, functions, conditions,
    references to nothing, cycles, and values that are not text in string slots.
    """
    for parameter in definition.parameters:
        if parameter.type not in PARAMETER_TYPES:
            known = ", ".join(PARAMETER_TYPES)
            raise BadInput(f"parameter {parameter.name} has the type {parameter.type!r}; known: {known}")
    names = Counter(step.name for step in definition.steps)
    for step in definition.steps:
        if names[step.name] > 1:
            raise BadInput(
                f"the step {step.name} stands in the definition {names[step.name]} times; the service refuses a step "
                "that is in both branches of a Condition",
                hint="give each its own name",
            )
        _check_step(step)
    in_order(definition)
    parameters = {parameter.name: parameter for parameter in definition.parameters}
    for step in definition.steps:
        for reference in references(step.arguments, f"step {step.name}: Arguments"):
            _check_reference(reference, definition, parameters)
        check_references(step, parameters)


def _check_step(step: Step) -> None:
    if step.type not in SUPPORTED_TYPES:
        raise BadInput(f"step {step.name} has the type {step.type!r}", hint=ON_AWS.format(", ".join(SUPPORTED_TYPES)))
    if step.type == "Condition":
        if step.branch:
            raise BadInput(
                f"the Condition {step.name} stands inside the Condition {step.branch[0]}: the service refuses that",
                hint="put both conditions into one Condition step; its conditions are joined with And",
            )
        for index, condition in enumerate(step.arguments.get("Conditions", [])):
            check_shape(condition, f"step {step.name}: Conditions[{index}]")
    for item in step.raw.get("DependsOn", []):
        if not isinstance(item, str):
            raise BadInput(
                f"step {step.name} depends on {item.get('Step')} with the trigger {item.get('Trigger')!r}",
                hint=ON_AWS.format("dependencies on success"),
            )
    for where, name, call in _functions(step.arguments, "Arguments"):
        _check_function(f"step {step.name}: {where}", name, call)


def _functions(value: Any, where: str) -> Iterator[tuple[str, str, Any]]:
    """(place, name, argument) of every `Std:` function; nested steps of a Condition are not entered."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key in ("IfSteps", "ElseSteps"):
                continue
            if key.startswith("Std:"):
                yield where, key, item
            yield from _functions(item, where if key.startswith("Std:") else f"{where}.{key}")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _functions(item, f"{where}[{index}]")


def _check_function(where: str, name: str, call: Any) -> None:
    if name not in FUNCTIONS:
        raise BadInput(f"{where} uses the function {name}", hint=ON_AWS.format(", ".join(FUNCTIONS)))
    fields = call if isinstance(call, Mapping) else {}
    if name == "Std:Join":
        whole = isinstance(fields.get("Values"), list)
    else:
        file = fields.get("PropertyFile")
        by_property_file = isinstance(file, Mapping) and isinstance(file.get("Get"), str)
        whole = "Path" in fields and ("S3Uri" in fields or by_property_file)
    if not whole:
        wanted = {"Std:Join": "On and a list of Values", "Std:JsonGet": "Path and either PropertyFile or S3Uri"}[name]
        raise BadInput(f"{where}: {name} needs {wanted}")


def _check_reference(reference: Reference, definition: Definition, parameters: Mapping[str, Any]) -> None:
    kind, _, name = reference.target.partition(".")
    if kind == "Parameters" and name not in parameters:
        declared = ", ".join(parameters) or "none"
        raise BadInput(f"{reference.where} refers to the parameter {name!r}; declared: {declared}")
    if kind == "Execution" and name not in EXECUTION_VARIABLES:
        raise BadInput(f"{reference.where} refers to {reference.target}; known: {', '.join(EXECUTION_VARIABLES)}")
    if kind not in ("Parameters", "Execution") and not reference.step:
        raise BadInput(f"{reference.where} has the reference {reference.target!r}, which cannot be read")
    if reference.step and name.startswith(f"{reference.step}.PropertyFiles."):
        file = name.removeprefix(f"{reference.step}.PropertyFiles.")
        files = [row.name for row in definition.step(reference.step).property_files]
        if file not in files:
            raise BadInput(
                f"{reference.where} reads the property file {file!r} of step {reference.step}, which declares: "
                + (", ".join(files) or "none")
            )
