"""The compiled definition: canonical JSON out, typed steps and edges in.

A definition is the JSON that Amazon SageMaker Pipelines stores (version 2020-12-01). Everything after `compile` reads
only this: lint, drawing, the local run and, later, plan and upsert.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pipeline.errors import BadInput
from pipeline.recipes import languages_of
from pipeline.settings import Settings
from pipeline.stages.recording import recording_session

OWN_SUM = "DefinitionSha256"  # the variable that tells EvaluateModel which definition it is in
UNKNOWN_SUM = "0" * 64
STATED_SUM = re.compile(rf'("{OWN_SUM}": ")[0-9a-f]{{64}}(?=")')
STEP_REFERENCE = re.compile(r"Steps\.([A-Za-z0-9_-]+)(?:\.(.+))?")


@dataclass(frozen=True)
class DeclaredParameter:
    """A run-time parameter as the definition declares it. `default` is None where a value must be given."""

    name: str
    type: Literal["String", "Integer", "Float", "Boolean"]
    default: str | int | float | bool | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class PropertyFile:
    """A JSON file in one output of a processing step that `Std:JsonGet` may read."""

    name: str
    output: str
    path: str


@dataclass(frozen=True)
class Step:
    """One step. `branch` is (condition step, "If" or "Else") for a step inside a Condition, else None."""

    name: str
    type: str
    arguments: Mapping[str, Any]
    depends_on: tuple[str, ...] = ()
    property_files: tuple[PropertyFile, ...] = ()
    branch: tuple[str, Literal["If", "Else"]] | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Definition:
    """A whole definition. `steps` is flat: a Condition is followed by the steps of both its branches."""

    parameters: tuple[DeclaredParameter, ...]
    steps: tuple[Step, ...]
    raw: Mapping[str, Any] = field(repr=False)

    def step(self, name: str) -> Step:
        """The step of that name. Raises BadInput when there is none."""
        for step in self.steps:
            if step.name == name:
                return step
        raise BadInput(f"the definition has no step {name!r}; it has {', '.join(s.name for s in self.steps)}")


@dataclass(frozen=True)
class Reference:
    """One `{"Get": target}` and where it stands, e.g. `Steps.TrainLora.Arguments.RoleArn`."""

    target: str
    where: str

    @property
    def step(self) -> str | None:
        """Name of the step it refers to, None for parameters and execution variables."""
        match = STEP_REFERENCE.fullmatch(self.target)
        return match.group(1) if match else None


def canonical(definition: Mapping[str, Any]) -> str:
    """The definition as text: two-space indent, keys in the order the service documents them, one final newline."""
    return json.dumps(definition, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def digest(text: str) -> str:
    """sha256 of a definition's text, in hex. The slot for this very sum, where there is one, counts as UNKNOWN_SUM."""
    blank = STATED_SUM.sub(rf"\g<1>{UNKNOWN_SUM}", text)
    return hashlib.sha256(blank.encode("utf-8")).hexdigest()


def with_own_sum(text: str) -> str:
    """The definition stating its own sum: a package that it registers then names it and no other.

    The slot does not count in the sum, so what the text is stays the same. A text whose slot is written in another way than
    `canonical` does is made canonical first; one without a slot stays as it is. Raises BadInput for what is not JSON.
    """
    try:
        raw = json.loads(text)
    except ValueError as error:
        raise BadInput(f"the definition is not JSON: {error}") from error
    found = list(_own_slots(raw))
    if len(found) != len(STATED_SUM.findall(text)):
        for slot in found:
            slot[OWN_SUM] = UNKNOWN_SUM
        text = canonical(raw)
    return STATED_SUM.sub(rf"\g<1>{digest(text)}", text)


def _own_slots(value: Any) -> Iterator[dict[str, Any]]:
    """Every map that states the definition's sum."""
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _own_slots(item)
    if isinstance(value, dict) and OWN_SUM in value:
        yield value


def read(text: str, where: str = "definition") -> Definition:
    """Parse a definition. Raises BadInput where the JSON or its outline is not that of a pipeline definition."""
    try:
        raw = json.loads(text)
    except ValueError as error:
        raise BadInput(f"{where} is not JSON: {error}", hint="compile it again with `asusu compile`") from error
    if not isinstance(raw, dict) or not isinstance(raw.get("Steps"), list):
        raise BadInput(f"{where} has no list of Steps", hint="compile it again with `asusu compile`")
    try:
        parameters = tuple(_parameter(row) for row in raw.get("Parameters", []))
        steps = tuple(_steps(raw["Steps"], None))
        _require_text(steps, parameters)
    except (KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"{where} is not a pipeline definition: {type(error).__name__} {error}") from error
    return Definition(parameters, steps, raw)


def _require_text(steps: tuple[Step, ...], parameters: tuple[DeclaredParameter, ...]) -> None:
    """Names and types must be strings, choices plain values. Raises TypeError naming the first that is not."""
    rows: list[Step | DeclaredParameter] = [*steps, *parameters]
    values = [value for row in rows for value in (row.name, row.type)]
    values += [name for step in steps for name in step.depends_on]
    for value in values:
        if not isinstance(value, str):
            raise TypeError(f"{value!r} stands where a name or a type must be a string")
    for choice in (choice for row in parameters for choice in row.choices):
        if not isinstance(choice, str | int | float):
            raise TypeError(f"{choice!r} cannot be a choice")


def _parameter(row: Mapping[str, Any]) -> DeclaredParameter:
    return DeclaredParameter(row["Name"], row["Type"], row.get("DefaultValue"), tuple(row.get("EnumValues") or ()))


def _steps(rows: list[Mapping[str, Any]], branch: tuple[str, Literal["If", "Else"]] | None) -> Iterator[Step]:
    for row in rows:
        arguments = row.get("Arguments", {})
        depends = tuple(item if isinstance(item, str) else item["Step"] for item in row.get("DependsOn", []))
        files = tuple(
            PropertyFile(item["PropertyFileName"], item["OutputName"], item["FilePath"])
            for item in row.get("PropertyFiles", [])
        )
        yield Step(row["Name"], row["Type"], arguments, depends, files, branch, row)
        if row["Type"] == "Condition":
            yield from _steps(arguments.get("IfSteps", []), (row["Name"], "If"))
            yield from _steps(arguments.get("ElseSteps", []), (row["Name"], "Else"))


def references(value: Any, where: str = "") -> Iterator[Reference]:
    """Every `Get` inside a value, in document order. Nested steps of a Condition are not entered."""
    if isinstance(value, Mapping):
        if set(value) == {"Get"} and isinstance(value["Get"], str):
            yield Reference(value["Get"], where)
            return
        for key, item in value.items():
            if key not in ("IfSteps", "ElseSteps"):
                yield from references(item, f"{where}.{key}" if where else str(key))
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from references(item, f"{where}[{index}]")


def needs(step: Step) -> tuple[str, ...]:
    """Names of the steps that must have ended before this one: DependsOn, references, and the Condition around it."""
    names = list(step.depends_on)
    names += [reference.step for reference in references(step.arguments) if reference.step]
    if step.branch:
        names.append(step.branch[0])
    return tuple(dict.fromkeys(names))


def in_order(definition: Definition) -> list[Step]:
    """Steps in the order they may run; ties keep the order of the text.

    Raises BadInput for a step that needs one that does not exist, and for a cycle, naming the steps in it.
    """
    known = {step.name for step in definition.steps}
    for step in definition.steps:
        for name in needs(step):
            if name not in known:
                raise BadInput(f"step {step.name} needs step {name!r}, which does not exist")
    done: list[Step] = []
    waiting = list(definition.steps)
    while waiting:
        finished = {step.name for step in done}
        ready = next((step for step in waiting if finished.issuperset(needs(step))), None)
        if ready is None:
            names = ", ".join(step.name for step in waiting)
            raise BadInput(
                f"the steps wait for each other in a cycle: {names}", hint="remove one DependsOn or reference"
            )
        done.append(ready)
        waiting.remove(ready)
    return done


def compile_recipe(recipe: str, settings: Settings) -> str:
    """The canonical definition of a recipe for an environment. No network, no credentials, same bytes every time.

    Imports the SageMaker SDK (extra `aws`); raises BadInput where it is not installed or the recipe is unknown.
    """
    languages_of(recipe)
    try:
        with recording_session(settings.region) as session:
            pipeline = importlib.import_module("pipeline.recipes.igbo").build(recipe, settings, session)
            return with_own_sum(canonical(json.loads(pipeline.definition())))
    except ModuleNotFoundError as error:
        raise BadInput(
            f"compiling needs the SageMaker SDK, and {error.name} is not installed",
            hint="make aws, or install the extra `aws`",
        ) from error
