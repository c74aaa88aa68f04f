"""Pictures: every step, every arrow that says something new, and the Condition in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from pipeline.definition import Definition, read
from pipeline.draw import Arrow, facts, mermaid, tree
from pipeline.errors import BadInput

COMPILED = Path(__file__).parents[2] / "pipeline" / "compiled" / "igbo.local.json"


def define(*steps: dict[str, Any]) -> Definition:
    """A definition of these steps, each with only what it says."""
    rows = [{"Type": "Processing", "Arguments": {}} | step for step in steps]
    return read(json.dumps({"Version": "2020-12-01", "Parameters": [], "Steps": rows}))


def condition(kind: str, left: Any, right: Any) -> dict[str, Any]:
    """One comparison."""
    return {"Type": kind, "LeftValue": left, "RightValue": right}


def gate(*conditions: dict[str, Any]) -> dict[str, Any]:
    """A Condition step with one Fail step in each branch."""
    branches = {
        key: [{"Name": name, "Type": "Fail", "Arguments": {"ErrorMessage": "no"}}]
        for key, name in (("IfSteps", "Yes"), ("ElseSteps", "No"))
    }
    return {"Name": "Gate", "Type": "Condition", "Arguments": {"Conditions": list(conditions), **branches}}


def printed(definition: Definition, width: int = 160) -> str:
    console = Console(width=width, color_system=None, force_terminal=False)
    with console.capture() as capture:
        console.print(tree(definition))
    return capture.get()


@pytest.fixture
def compiled() -> Definition:
    return read(COMPILED.read_text(encoding="utf-8"))


def test_an_arrow_is_data_or_order() -> None:
    steps = facts(
        define(
            {"Name": "A"},
            {"Name": "B", "DependsOn": ["A"]},
            {"Name": "C", "Arguments": {"Environment": {"x": {"Get": "Steps.B.ProcessingJobName"}}}},
        )
    )
    assert [step.arrows for step in steps] == [(), (Arrow("A", "order"),), (Arrow("B", "data"),)]


def test_an_arrow_that_follows_from_others_is_left_out() -> None:
    steps = facts(define({"Name": "A"}, {"Name": "B", "DependsOn": ["A"]}, {"Name": "C", "DependsOn": ["A", "B"]}))
    assert steps[2].arrows == (Arrow("B", "order"),)


def test_both_sides_of_a_diamond_are_drawn() -> None:
    steps = facts(
        define(
            {"Name": "A"},
            {"Name": "B", "DependsOn": ["A"]},
            {"Name": "C", "DependsOn": ["A"]},
            {"Name": "D", "DependsOn": ["B", "C"]},
        )
    )
    assert steps[3].arrows == (Arrow("B", "order"), Arrow("C", "order"))


def test_branches_hang_below_their_condition() -> None:
    definition = define(gate(condition("Equals", 1, 1)))
    assert printed(definition).splitlines() == [
        "3 steps, 0 parameters",
        "└── Gate · Condition · 1 = 1",
        "    ├── yes",
        "    │   └── Yes · Fail · no",
        "    └── no",
        "        └── No · Fail · no",
    ]
    assert "    Gate -->|yes| Yes\n    Gate -->|no| No\n" in mermaid(definition)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (
            condition(
                "LessThanOrEqualTo",
                {"Std:JsonGet": {"PropertyFile": {"Get": "Steps.E.PropertyFiles.R"}, "Path": "metrics.val_loss.value"}},
                {"Get": "Parameters.MaxLoss"},
            ),
            "val loss <= MaxLoss",
        ),
        (condition("GreaterThan", {"Get": "Steps.T.BillableTimeInSeconds"}, 5), "T's BillableTimeInSeconds > 5"),
        ({"Type": "Not", "Expression": condition("Equals", "a", "b")}, "not (a = b)"),
        ({"Type": "Or", "Conditions": [condition("LessThan", 1, 2), condition("Equals", 1, 2)]}, "(1 < 2 or 1 = 2)"),
        ({"Type": "In", "QueryValue": {"Get": "Parameters.Kind"}, "Values": ["a", "b"]}, "Kind in a, b"),
    ],
)
def test_a_condition_in_words(row: dict[str, Any], words: str) -> None:
    definition = define({"Name": "E"}, {"Name": "T", "Type": "Training"}, gate(row))
    drawn = next(step for step in facts(definition) if step.type == "Condition")
    assert drawn.conditions == (words,)


def test_names_and_texts_cannot_break_the_pictures() -> None:
    message = 'say "no" to <b>markup</b> [red]here[/]'
    definition = define({"Name": "End", "Type": "Fail", "Arguments": {"ErrorMessage": message}})
    assert "[red]here[/]" in printed(definition)
    drawn = mermaid(definition)
    assert 'End_{{"<b>End</b>' in drawn
    assert "say &quot;no&quot; to &lt;b&gt;markup&lt;/b&gt;" in drawn


def test_a_long_message_is_shortened() -> None:
    [step] = facts(define({"Name": "F", "Type": "Fail", "Arguments": {"ErrorMessage": "word " * 100}}))
    assert len(step.details[0]) <= 80
    assert step.details[0].endswith("word ...")


def test_a_cycle_cannot_be_drawn() -> None:
    with pytest.raises(BadInput, match="cycle"):
        mermaid(define({"Name": "A", "DependsOn": ["B"]}, {"Name": "B", "DependsOn": ["A"]}))


def test_the_igbo_pipeline_shows_every_step_in_order(compiled: Definition) -> None:
    text = printed(compiled)
    names = [step.name for step in compiled.steps]
    assert sorted(names, key=lambda name: text.index(f" {name} ·")) == names
    assert "validation loss <= MaxValidationLoss and gate verdict = passed" in text
    assert "TrainLora · Training · ml.g5.xlarge by default" in text


def test_the_igbo_flowchart_is_one_chain_with_two_ends(compiled: Definition) -> None:
    drawn = mermaid(compiled)
    arrows = [line.split() for line in drawn.splitlines() if "->" in line]
    assert [(source, target) for source, _, target in arrows] == [
        ("Preflight", "PrepareCorpus"),
        ("PrepareCorpus", "TokenizeExamples"),
        ("TokenizeExamples", "CanaryTrain"),
        ("CanaryTrain", "CanaryResume"),
        ("CanaryResume", "TrainLora"),
        ("TrainLora", "EvaluateModel"),
        ("EvaluateModel", "CheckValidationLoss"),
        ("CheckValidationLoss", "RegisterModel"),
        ("CheckValidationLoss", "RejectModel"),
    ]
    assert drawn == mermaid(read(json.dumps(compiled.raw)))
