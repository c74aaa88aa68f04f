"""References: every `Get`, `Std:Join` and `Std:JsonGet` leads to something that exists when the step runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pipeline.definition import STEP_REFERENCE, Definition, Step
from pipeline.lint.finding import Finding
from pipeline.lint.shapes import ANSWERS, Path, answer_shape, follow, parse_path
from pipeline.lint.values import EXECUTION_VARIABLES
from pipeline.lint.walk import FUNCTIONS, calls, dig, function_of, rows

# Lists whose items are addressed by name, and the member that holds the name.
NAMED_BY = {
    "Outputs": "OutputName",
    "ProcessingInputs": "InputName",
    "InputDataConfig": "ChannelName",
    "MetricDefinitions": "Name",
}


def check_references(definition: Definition) -> Iterator[Finding]:
    """Every call in every step. Missing steps and parameters are reported by their own checks."""
    known = {step.name: step for step in definition.steps}
    outside_steps = {key: value for key, value in definition.raw.items() if key not in ("Steps", "Parameters")}
    places: list[tuple[Any, str, Step | None]] = [(value, key, None) for key, value in outside_steps.items()]
    places += [(step.arguments, f"Steps.{step.name}.Arguments", step) for step in definition.steps]
    for value, place, holder in places:
        for name, argument, where in calls(value, place):
            if name not in FUNCTIONS:
                problem = f"calls {name}, which is not one of {', '.join(FUNCTIONS)}"
                yield Finding("unknown-function", where, problem, "use one of these functions")
            elif name == "Get":
                yield from _get(str(argument), where, known)
            elif name == "Std:Join" and not _is_join(argument):
                problem = "Std:Join needs On, a text, and Values, a list of texts, numbers and calls"
                yield Finding("bad-join", where, problem, "let the SDK's Join write it")
            elif name == "Std:JsonGet":
                yield from _json_get(argument, where, holder, known)


def _get(target: str, where: str, known: Mapping[str, Step]) -> Iterator[Finding]:
    area, _, rest = target.partition(".")
    match = STEP_REFERENCE.fullmatch(target)
    if area == "Execution" and rest not in EXECUTION_VARIABLES:
        problem = f"{target} is not an execution variable; the service has {', '.join(EXECUTION_VARIABLES)}"
        yield Finding("unknown-execution-variable", where, problem, "use one of these names")
    elif area not in ("Execution", "Parameters") and match is None:
        problem = f"{target!r} is not Parameters.X, Execution.X or Steps.X.Property"
        yield Finding("unknown-property", where, problem, "write the reference in one of these forms")
    elif match is not None and match.group(1) in known:
        yield from _property(known[match.group(1)], match.group(2) or "", where)


def _property(step: Step, text: str, where: str) -> Iterator[Finding]:
    if text.startswith("PropertyFiles."):
        yield from _property_file(step, text.removeprefix("PropertyFiles."), where)
        return
    if step.type == "Condition" and text == "Outcome":
        return
    answer, path = answer_shape(step.type), parse_path(text)
    if answer is None or not path or follow(answer, path) is None:
        problem = f"a {step.type} step has no property {text!r}"
        kind = ANSWERS.get(step.type)
        remedy = f"use a member of {kind}'s answer" if kind else "use a property of a Processing or Training step"
        yield Finding("unknown-property", where, problem, remedy)
        return
    yield from _declared(step, path, where)


def _declared(step: Step, path: Path, where: str) -> Iterator[Finding]:
    """An item named in the reference must stand in the request of the step that is referred to."""
    for position, part in enumerate(path):
        if isinstance(part, str):
            continue
        keys = [str(key) for key in path[:position]]
        if keys == ["FinalMetricDataList"]:
            keys = ["AlgorithmSpecification", "MetricDefinitions"]
        items = dig(step.arguments, *keys)
        names = _names(items, keys[-1])
        if isinstance(part, tuple) and part[0] not in names:
            problem = f"{step.name} declares no {part[0]!r} in {'.'.join(keys)}; it has {', '.join(names) or 'none'}"
            yield Finding("undeclared-item", where, problem, f"correct the name, or declare it in {step.name}")
        elif isinstance(part, int) and part >= len(names):
            problem = f"{step.name} has {len(names)} entries in {'.'.join(keys)}, so there is no [{part}]"
            yield Finding("undeclared-item", where, problem, f"refer to it by name, or declare it in {step.name}")
        return


def _names(items: Any, container: str) -> list[str]:
    if isinstance(items, Mapping):
        return list(items)
    member = NAMED_BY.get(container, "Name")
    return [str(dig(item, member)) for item in items] if isinstance(items, list) else []


def _property_file(step: Step, name: str, where: str) -> Iterator[Finding]:
    declared = {file.name: file for file in step.property_files}
    if step.type != "Processing":
        problem = f"{step.name} is a {step.type} step; only a Processing step has property files"
        yield Finding("property-file", where, problem, "read the file from a Processing step")
    elif name not in declared:
        problem = f"{step.name} declares no property file {name!r}; it has {', '.join(declared) or 'none'}"
        yield Finding("property-file", where, problem, f"pass property_files=[{name}] to {step.name}")


def check_property_files(definition: Definition) -> Iterator[Finding]:
    """A declared property file lies in an output that the same step declares."""
    for step in definition.steps:
        outputs = [dig(row, "OutputName") for row in rows(step.arguments, "ProcessingOutputConfig", "Outputs")]
        for file in step.property_files:
            if file.output not in outputs:
                problem = f"lies in the output {file.output!r}, which {step.name} does not declare"
                remedy = "use one of its outputs: " + (", ".join(map(str, outputs)) or "it has none")
                yield Finding("property-file", f"Steps.{step.name}.PropertyFiles.{file.name}", problem, remedy)


def _is_join(argument: Any) -> bool:
    values = rows(argument, "Values")
    good = all(isinstance(value, str | int | float) or function_of(value) for value in values)
    return isinstance(dig(argument, "On"), str) and bool(values) and good


def _json_get(argument: Any, where: str, holder: Step | None, known: Mapping[str, Step]) -> Iterator[Finding]:
    path, file, uri = dig(argument, "Path"), dig(argument, "PropertyFile"), dig(argument, "S3Uri")
    if not isinstance(path, str) or not path:
        yield Finding("json-get", where, "Path must be a text such as metrics.loss.value", "write the path out")
    if (file is None) == (uri is None):
        problem = "needs exactly one of PropertyFile and S3Uri"
        yield Finding("json-get", where, problem, "refer to a property file of a Processing step")
    elif file is not None:
        target = str(dig(file, "Get"))
        match = STEP_REFERENCE.fullmatch(target)
        if match is None or not (match.group(2) or "").startswith("PropertyFiles."):
            problem = f"{target!r} is not a property file"
            yield Finding("json-get", where, problem, "write Steps.<step>.PropertyFiles.<name>")
    elif holder is not None and not holder.depends_on:
        problem = "reads an address, which makes no dependency: the file may not exist yet"
        yield Finding("json-get", where, problem, f"give {holder.name} a DependsOn on the step that writes the file")
