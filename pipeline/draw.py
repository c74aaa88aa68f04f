"""Pictures of a compiled definition: a tree for the terminal, a Mermaid flowchart for README, facts for `--json`.

Only arrows that say something new are drawn: one that follows from two others is left out (transitive reduction).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from textwrap import shorten
from typing import Any, Literal

from rich.markup import escape as plain
from rich.tree import Tree

from pipeline.definition import Definition, Step, in_order, needs, references
from pipeline.lint.order import needed_steps
from pipeline.lint.walk import dig, function_of, rows
from pipeline.words import condition_in_words, in_words

SHAPES = {  # Mermaid's brackets per step type
    "Processing": ("[", "]"),
    "Training": ("([", "])"),
    "Condition": ("{", "}"),
    "RegisterModel": ("[(", ")]"),
    "Fail": ("{{", "}}"),
}
CLASSES = {  # readable on GitHub's light and dark pages: own fill, own text
    "Processing": "fill:#e8f1fb,stroke:#2f6db5,color:#10243f",
    "Training": "fill:#fdf0dc,stroke:#b8741a,color:#3d2705",
    "Condition": "fill:#f3ecfa,stroke:#7a4bb0,color:#2a1342",
    "RegisterModel": "fill:#e6f5ea,stroke:#2f8a4c,color:#0e3019",
    "Fail": "fill:#fbe9e9,stroke:#b53a3a,color:#401010",
}
COLOURS = dict(zip(CLASSES, ("blue", "yellow", "magenta", "green", "red"), strict=True))  # in the terminal
LONGEST_DETAIL = 80


@dataclass(frozen=True)
class Arrow:
    """The step waits for `source`: for its data, for its end, or for the answer of a Condition."""

    source: str
    kind: Literal["data", "order", "yes", "no"]


@dataclass(frozen=True)
class StepFacts:
    """What the pictures show of one step. `conditions` is empty for anything but a Condition."""

    name: str
    type: str
    details: tuple[str, ...]
    arrows: tuple[Arrow, ...]
    conditions: tuple[str, ...] = ()
    branch_of: str | None = None


def facts(definition: Definition) -> list[StepFacts]:
    """Every step in the order it may run. Raises BadInput for a cycle or a step that is missing."""
    ordered = in_order(definition)
    before = needed_steps(definition)
    return [
        StepFacts(
            step.name,
            step.type,
            tuple(_details(step, definition)),
            tuple(_arrows(step, before)),
            tuple(condition_in_words(row) for row in rows(step.arguments, "Conditions")),
            step.branch[0] if step.branch else None,
        )
        for step in ordered
    ]


def tree(definition: Definition) -> Tree:
    """The steps as a tree for the terminal; the branches of a Condition hang below it."""
    steps = facts(definition)
    root = Tree(f"{len(steps)} steps, {len(definition.parameters)} parameters", highlight=False)
    hung: dict[tuple[str, str], Tree] = {}
    for step in steps:
        answer = next((arrow.kind for arrow in step.arrows if arrow.kind in ("yes", "no")), None)
        parent = root if step.branch_of is None else hung[step.branch_of, answer or "yes"]
        node = parent.add(_line(step), highlight=False)
        if step.type == "Condition":
            for kind in ("yes", "no"):
                hung[step.name, kind] = node.add(f"[bold]{kind}[/]", highlight=False)
    return root


def _line(step: StepFacts) -> str:
    words = [f"[bold {COLOURS.get(step.type, 'white')}]{plain(step.name)}[/]", step.type]
    if step.conditions:
        words.append(plain(" and ".join(step.conditions)))
    words += [f"[dim]{plain(detail)}[/]" for detail in step.details]
    sources = [arrow.source for arrow in step.arrows if arrow.kind in ("data", "order")]
    return " · ".join(words) + (f"  [dim]<- {plain(', '.join(sources))}[/]" if sources else "")


def mermaid(definition: Definition) -> str:
    """The steps as a Mermaid flowchart: shape and colour say the type; solid is data, dotted is order only."""
    steps = facts(definition)
    lines = ["flowchart TD"]
    for step in steps:
        opening, closing = SHAPES.get(step.type, SHAPES["Processing"])
        kind = f"{step.type}: {', '.join(step.details)}" if step.details else step.type
        words = " and<br/>".join(map(_html, step.conditions)) or _html(kind)
        lines.append(f'    {_id(step.name)}{opening}"<b>{_html(step.name)}</b><br/>{words}"{closing}:::{step.type}')
    for step in steps:
        for arrow in step.arrows:
            line = {"data": "-->", "order": "-.->"}.get(arrow.kind, f"-->|{arrow.kind}|")
            lines.append(f"    {_id(arrow.source)} {line} {_id(step.name)}")
    used = [kind for kind in CLASSES if any(step.type == kind for step in steps)]
    lines += [f"    classDef {kind} {CLASSES[kind]}" for kind in used]
    return "\n".join(lines) + "\n"


def _id(name: str) -> str:
    """A node's name; `end` alone is a word of Mermaid's own."""
    return f"{name}_" if name.lower() == "end" else name


def _html(text: str) -> str:
    return escape(text.replace("<=", "≤").replace(">=", "≥"))


def _arrows(step: Step, before: Mapping[str, set[str]]) -> list[Arrow]:
    wanted = needs(step)
    data = {reference.step for reference in references(step.arguments)}
    arrows = []
    for name in wanted:
        if any(name in before[other] for other in wanted):
            continue  # follows from another arrow
        if step.branch and step.branch[0] == name:
            arrows.append(Arrow(name, "yes" if step.branch[1] == "If" else "no"))
        else:
            arrows.append(Arrow(name, "data" if name in data else "order"))
    return arrows


def _details(step: Step, definition: Definition) -> list[str]:
    """What a reader wants to know at a glance: machine, time limit, cache, registry group, message."""
    machine = dig(step.arguments, "ProcessingResources", "ClusterConfig", "InstanceType") or dig(
        step.arguments, "ResourceConfig", "InstanceType"
    )
    details = [_machine(machine, definition)] if machine else []
    seconds = dig(step.arguments, "StoppingCondition", "MaxRuntimeInSeconds")
    if isinstance(seconds, int):
        details.append(f"at most {seconds / 3600:g} h")
    if dig(step.raw, "CacheConfig", "Enabled") is True:
        details.append("cached")
    for key in ("ModelPackageGroupName", "ModelApprovalStatus", "ErrorMessage"):
        text = dig(step.arguments, key)
        if text is not None:
            details.append(shorten(in_words(text), LONGEST_DETAIL, placeholder=" ..."))
    return details


def _machine(value: Any, definition: Definition) -> str:
    """An instance type; for a parameter its default, or its name where there is none."""
    words = in_words(value)
    default = next((p.default for p in definition.parameters if function_of(value) and p.name == words), None)
    return f"{default} by default" if default else words
