"""A gate that lets more through is found, however it was loosened; a stricter one is not called loose."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.definition import read
from pipeline.plan import compare
from pipeline.plan.gate import LOOSER, MEANINGS
from steps.parameters import PARAMETERS
from tests.unit.plan.editing import Edit, argument, default, plain, step_in


def what(deployed_text: str, *edits: Edit) -> list[str]:
    """Names of what gets looser."""
    return [one.what for one in compare(read(deployed_text), plain(deployed_text, *edits)).loosened]


def conditions(change: Any) -> Edit:
    """Change the list of conditions in place."""

    def edit(raw: dict[str, Any]) -> None:
        change(step_in(raw, "CheckValidationLoss")["Arguments"]["Conditions"])

    return edit


def test_every_parameter_of_the_gate_has_a_direction() -> None:
    of_the_gate = {row.name for row in PARAMETERS if row.help.startswith("The gate:")}
    assert of_the_gate == set(LOOSER) == set(MEANINGS)


@pytest.mark.parametrize(
    ("name", "looser", "stricter"),
    [("MaxValidationLoss", 1.7, 1.5), ("MinTrainingFraction", 0.8, 0.95), ("MaxBrokenShare", 0.06, 0.01)],
)
def test_a_limit_moved_one_way_is_looser_and_the_other_way_is_not(
    deployed_text: str, name: str, looser: float, stricter: float
) -> None:
    assert what(deployed_text, default(name, looser)) == [name]
    assert what(deployed_text, default(name, stricter)) == []


def test_a_limit_written_into_a_step_instead_of_the_parameter_counts_by_its_value(deployed_text: str) -> None:
    path = ("Environment", "MinTrainingFraction")
    assert what(deployed_text, argument("EvaluateModel", *path, value="0.2")) == ["MinTrainingFraction"]
    assert what(deployed_text, argument("EvaluateModel", *path, value="0.97")) == []


def test_a_limit_that_a_step_is_no_longer_given_is_looser(deployed_text: str) -> None:
    def edit(raw: dict[str, Any]) -> None:
        del step_in(raw, "EvaluateModel")["Arguments"]["Environment"]["MaxBrokenShare"]

    assert what(deployed_text, edit) == ["MaxBrokenShare"]


def test_a_limit_without_a_default_is_left_to_the_start(deployed_text: str) -> None:
    def edit(raw: dict[str, Any]) -> None:
        del next(row for row in raw["Parameters"] if row["Name"] == "MaxValidationLoss")["DefaultValue"]

    assert what(deployed_text, edit) == []


def test_a_condition_that_is_gone_is_looser_and_a_new_one_is_not(deployed_text: str) -> None:
    assert what(deployed_text, conditions(lambda rows: rows.pop())) == ["gate verdict = passed"]
    more = {"Type": "LessThanOrEqualTo", "LeftValue": 1, "RightValue": {"Get": "Parameters.MaxBrokenShare"}}
    assert what(deployed_text, conditions(lambda rows: rows.append(more))) == []


def test_a_verdict_that_lets_failed_models_through_is_named_by_its_words(deployed_text: str) -> None:
    (found,) = compare(
        read(deployed_text), plain(deployed_text, conditions(lambda rows: rows[1].update(RightValue="failed")))
    ).loosened
    assert (found.what, found.after) == ("gate verdict = passed", "gate verdict = failed")


def test_a_condition_that_needs_only_one_of_two_is_looser(deployed_text: str) -> None:
    def either(rows: list[Any]) -> None:
        rows[:] = [{"Type": "Or", "Conditions": list(rows)}]

    assert len(what(deployed_text, conditions(either))) == 2


def test_conditions_joined_by_and_are_as_strict_as_before(deployed_text: str) -> None:
    def both(rows: list[Any]) -> None:
        rows[:] = [{"Type": "And", "Conditions": list(rows)}]

    assert what(deployed_text, conditions(both)) == []


@pytest.mark.parametrize(("limit", "expected"), [(3.0, ["MaxValidationLoss"]), (1.0, [])])
def test_a_limit_written_into_the_condition_counts_by_its_value(
    deployed_text: str, limit: float, expected: list[str]
) -> None:
    found = compare(
        read(deployed_text), plain(deployed_text, conditions(lambda rows: rows[0].update(RightValue=limit)))
    ).loosened
    assert [one.after for one in found] == [f"{limit:g}"] * len(expected)


def test_a_condition_turned_round_is_looser(deployed_text: str) -> None:
    assert what(deployed_text, conditions(lambda rows: rows[0].update(Type="GreaterThanOrEqualTo")))
    assert what(deployed_text, conditions(lambda rows: rows[0].update(Type="LessThan"))) == []


def test_a_condition_on_another_number_of_the_report_is_looser(deployed_text: str) -> None:
    def edit(rows: list[Any]) -> None:
        rows[0]["LeftValue"]["Std:JsonGet"]["Path"] = "metrics.training_fraction.value"

    assert what(deployed_text, conditions(edit))


def test_registering_outside_the_condition_is_looser(deployed_text: str) -> None:
    def edit(raw: dict[str, Any]) -> None:
        raw["Steps"].append(step_in(raw, "CheckValidationLoss")["Arguments"]["IfSteps"].pop())

    assert len(what(deployed_text, edit)) == 2


def test_registering_what_the_condition_refuses_is_looser(deployed_text: str) -> None:
    def edit(raw: dict[str, Any]) -> None:
        arguments = step_in(raw, "CheckValidationLoss")["Arguments"]
        arguments["IfSteps"], arguments["ElseSteps"] = arguments["ElseSteps"], arguments["IfSteps"]

    assert len(what(deployed_text, edit)) == 2


def test_a_second_registration_beside_the_gate_is_looser(deployed_text: str) -> None:
    def edit(raw: dict[str, Any]) -> None:
        raw["Steps"].append({**step_in(raw, "RegisterModel"), "Name": "RegisterAnyway"})

    assert len(what(deployed_text, edit)) == 2


def test_approving_without_anybody_is_looser(deployed_text: str) -> None:
    edit = argument("RegisterModel", "ModelApprovalStatus", value="Approved")
    assert what(deployed_text, edit) == ["RegisterModel.ModelApprovalStatus"]


def test_registering_nothing_any_more_is_not_called_loose(deployed_text: str) -> None:
    def edit(raw: dict[str, Any]) -> None:
        step_in(raw, "CheckValidationLoss")["Arguments"]["IfSteps"].clear()

    assert what(deployed_text, edit) == []
