"""Which steps a selective execution runs."""

from __future__ import annotations

import json
from importlib.resources import files

import pytest

from pipeline.definition import Definition, in_order, needs, read
from pipeline.errors import BadInput
from pipeline.runs.selection import canaries_only, from_step, read_before, taken_over, trains
from tests.unit.local.pipelines import checkpoints, condition, definition, fail, processing, training


@pytest.fixture(scope="module")
def shipped() -> Definition:
    return read((files("pipeline") / "compiled" / "igbo.local.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "first", ["Preflight", "PrepareCorpus", "TokenizeExamples", "CanaryTrain", "TrainLora", "EvaluateModel"]
)
def test_all_that_needs_a_selected_step_is_selected_too(shipped: Definition, first: str) -> None:
    """The service's rule: all steps on all paths between two selected ones."""
    chosen = from_step(shipped, first)
    assert chosen[0] == first
    for step in shipped.steps:
        if set(needs(step)) & set(chosen):
            assert step.name in chosen


def test_the_first_step_selects_everything_and_takes_over_nothing(shipped: Definition) -> None:
    chosen = from_step(shipped, "Preflight")
    assert chosen == tuple(step.name for step in in_order(shipped))
    assert taken_over(shipped, chosen) == ()


def test_what_is_taken_over_is_what_the_selected_steps_need_directly_or_not(shipped: Definition) -> None:
    assert taken_over(shipped, from_step(shipped, "TrainLora")) == (
        "Preflight",
        "PrepareCorpus",
        "TokenizeExamples",
        "CanaryTrain",
        "CanaryResume",
    )


def test_the_canaries_need_nothing_of_another_execution(shipped: Definition) -> None:
    chosen = canaries_only(shipped)
    assert chosen[-1] == "CanaryResume"
    assert "TrainLora" not in chosen
    assert taken_over(shipped, chosen) == ()


def test_a_pipeline_without_canaries_cannot_run_them_alone(tmp_path: object) -> None:
    only = read(definition(processing("Prepare", "p.py")))  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="has no step 'CanaryResume'") as raised:
        canaries_only(only)
    assert raised.value.hint == "one of Prepare"


def test_a_branch_cannot_be_the_first_step(shipped: Definition) -> None:
    with pytest.raises(BadInput, match="RejectModel is a branch of CheckValidationLoss"):
        from_step(shipped, "RejectModel")


def test_more_steps_than_the_service_takes_are_refused() -> None:
    rows = [processing(f"S{n}", "p.py", DependsOn=[f"S{n - 1}"] if n else []) for n in range(51)]  # type: ignore[arg-type]
    many = read(definition(*rows))
    assert len(from_step(many, "S1")) == 50
    with pytest.raises(BadInput, match="51 steps would run, and a selective execution takes 50"):
        from_step(many, "S0")


def test_steps_with_one_checkpoint_address_are_not_parted() -> None:
    first = training("A", "t.py", arguments=checkpoints())  # type: ignore[arg-type]
    second = training("B", "t.py", arguments=checkpoints(), DependsOn=["A"])  # type: ignore[arg-type]
    other = training("C", "t.py", arguments=checkpoints("own"), DependsOn=["B"])  # type: ignore[arg-type]
    parted = read(definition(first, second, other))
    with pytest.raises(BadInput, match="B goes on from the checkpoint of A") as raised:
        from_step(parted, "B")
    assert raised.value.hint == "--from A"
    assert from_step(parted, "C") == ("C",)


def test_training_is_found_among_the_selected_steps_only(shipped: Definition) -> None:
    assert trains(shipped, ())
    assert trains(shipped, canaries_only(shipped))
    assert not trains(shipped, from_step(shipped, "EvaluateModel"))


def test_the_readers_of_a_parameter_are_those_whose_arguments_name_it(shipped: Definition) -> None:
    everything = tuple(step.name for step in shipped.steps)
    readers = read_before(shipped, everything, "ResumeFrom")
    assert readers == ["Preflight", "TrainLora"]
    text = json.dumps(shipped.step("TrainLora").arguments)
    assert "Parameters.ResumeFrom" in text
    assert read_before(shipped, ("PrepareCorpus",), "ResumeFrom") == []


def test_a_condition_brings_both_its_branches() -> None:
    two = read(
        definition(
            processing("P", "p.py"),  # type: ignore[arg-type]
            condition("If", [], [fail("Yes", "y")], [fail("No", "n")], DependsOn=["P"]),
        )
    )
    assert from_step(two, "If") == ("If", "Yes", "No")
