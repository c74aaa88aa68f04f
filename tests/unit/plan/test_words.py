"""Changes as a person reads them."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.definition import read
from pipeline.plan import Change, compare
from tests.unit.plan.editing import REGISTRY, Edit, argument, default, plain, step_in

TRAIN = f"{REGISTRY}/asusu-train"


def only(deployed_text: str, edit: Edit) -> Change:
    changes = compare(read(deployed_text), plain(deployed_text, edit)).changes
    assert len(changes) == 1, [change.text for change in changes]
    return changes[0]


@pytest.mark.parametrize(
    ("edit", "text", "meaning"),
    [
        (default("Epochs", 2.0), "default of Epochs: 1.0 → 2.0", "Times the training split is read"),
        (default("MaxCostUsd", 900), "default of MaxCostUsd: 100.0 → 900", "more may be spent unasked"),
        (default("MaxCostUsd", 5), "default of MaxCostUsd: 100.0 → 5", "refused sooner"),
        (
            argument("TrainLora", "AlgorithmSpecification", "TrainingImage", value=f"{TRAIN}@sha256:{'f' * 64}"),
            "image asusu-train: sha256:444444444444 → sha256:ffffffffffff",
            "built again",
        ),
        (
            argument("TrainLora", "AlgorithmSpecification", "TrainingImage", value=f"{TRAIN}:v2@sha256:{'4' * 64}"),
            "image asusu-train: tag nothing → v2",
            "the same program runs",
        ),
        (
            argument("TrainLora", "AlgorithmSpecification", "TrainingImage", value="elsewhere/asusu-train"),
            f"image: {TRAIN}@sha256:{'4' * 64} → elsewhere/asusu-train",
            "another program may run",
        ),
        (
            argument("TrainLora", "HyperParameters", "Levers", value='{"batching": "padded"}'),
            "hyperparameter Levers: batching (default) → padded",
            "training is told something else",
        ),
        (
            argument("TrainLora", "StoppingCondition", "MaxRuntimeInSeconds", value=36000),
            "StoppingCondition.MaxRuntimeInSeconds: 120 h → 10 h",
            "the platform ends the job then",
        ),
        (
            argument("PrepareCorpus", "ProcessingInputs", 0, "S3Input", "S3Uri", value="s3://elsewhere/corpus"),
            "ProcessingInputs['corpus'].S3Input.S3Uri: CorpusUri → s3://elsewhere/corpus",
            "it reads something else",
        ),
        (
            argument("TrainLora", "ResourceConfig", "InstanceCount", value=2),
            "ResourceConfig.InstanceCount: 1 → 2",
            "another machine",
        ),
        (
            argument("TrainLora", "EnableNetworkIsolation", value=False),
            "EnableNetworkIsolation: true → false",
            "what the job can reach",
        ),
    ],
)
def test_a_change_says_what_and_what_it_means(deployed_text: str, edit: Edit, text: str, meaning: str) -> None:
    change = only(deployed_text, edit)
    assert change.text == text
    assert meaning in change.meaning


def test_steps_and_parameters_that_come_and_go_are_one_change_each(deployed_text: str) -> None:
    def edit(raw: dict[str, Any]) -> None:
        raw["Steps"] = [row for row in raw["Steps"] if row["Name"] != "CanaryResume"]
        raw["Steps"].append({**step_in(raw, "PrepareCorpus"), "Name": "PrepareAgain"})
        raw["Parameters"] = [row for row in raw["Parameters"] if row["Name"] != "Seed"]
        raw["Parameters"].append({"Name": "Added", "Type": "String"})

    changes = compare(read(deployed_text), plain(deployed_text, edit)).changes
    assert {(change.where, change.text) for change in changes} == {
        ("Parameters.Seed", "parameter Seed is gone"),
        ("Parameters.Added", "new parameter Added, without a default"),
        ("Steps.CanaryResume", "step removed, Training on {TrainingInstanceType}"),
        ("Steps.PrepareAgain", "new step, Processing on ml.m5.xlarge"),
    }


def test_a_change_in_a_branch_belongs_to_the_step_in_it(deployed_text: str) -> None:
    change = only(deployed_text, argument("RegisterModel", "ModelPackageGroupName", value="asusu-other"))
    assert change.step == "RegisterModel"
    assert change.where == "Steps.CheckValidationLoss.Arguments.IfSteps.RegisterModel.Arguments.ModelPackageGroupName"


def test_the_role_and_the_tags_around_a_definition_are_compared_too(deployed_text: str) -> None:
    same = read(deployed_text)
    found = compare(same, same, {"Role": "a", "Tags": {"stage": "x"}}, {"Role": "b", "Tags": {"stage": "y"}})
    assert [change.text for change in found.changes] == ["role of the executions: a → b", "tag stage: x → y"]


def test_of_a_long_text_the_part_that_differs_is_shown_and_its_length(deployed_text: str) -> None:
    ours = "x" * 100_000
    before = plain(deployed_text, argument("RegisterModel", "ModelPackageDescription", value=f"{ours} old {ours}"))
    after = plain(deployed_text, argument("RegisterModel", "ModelPackageDescription", value=f"{ours} new {ours}"))
    (change,) = compare(before, after).changes
    assert " old x" in change.text
    assert " new x" in change.text
    assert "200,005 characters" in change.text
    assert len(change.text) < 600
    assert change.after == f"{ours} new {ours}", "a machine gets all of it"
    (whole,) = (row for row in compare(read(deployed_text), after).changes if row.where.endswith("Description"))
    assert len(whole.text) < 600
