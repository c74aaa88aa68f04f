"""What somebody changed without `asusu upsert` is seen, shown, and not lost unasked."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from tests.unit.deploy.conftest import BUCKET, NAME, Desk
from tests.unit.plan.editing import argument, default


def test_an_edit_in_the_console_is_told_apart_from_what_the_code_changes(desk: Desk) -> None:
    desk.upsert()
    desk.edit_in_console(default("MaxCostUsd", 5000.0))
    code, said, _ = desk.plan(edits=(default("Epochs", 2.0),))
    assert code == 3
    edits, _, plan = said.partition("Deploying undoes these edits")
    assert "Edited since" in edits
    assert "default of MaxCostUsd: 100.0 → 5000.0" in edits
    assert "Epochs" not in edits
    assert "default of MaxCostUsd: 5000.0 → 100.0" in plan
    assert "default of Epochs: 1.0 → 2.0" in plan


def test_an_upsert_over_an_edit_is_refused_until_told_so(desk: Desk) -> None:
    desk.upsert()
    desk.edit_in_console(default("MaxCostUsd", 5000.0))
    code, _, error = desk.upsert()
    assert code == 4
    assert "--overwrite-edits" in error
    assert "5000.0" in desk.deployed["PipelineDefinition"]
    assert desk.upsert("--overwrite-edits")[0] == 0
    assert "5000.0" not in desk.deployed["PipelineDefinition"]
    assert "5000.0" in desk.records.definition(next(desk.records.newest_first()).before)
    assert desk.plan()[0] == 0


def test_an_edit_that_says_what_the_code_says_is_recorded_without_a_flag(desk: Desk) -> None:
    desk.upsert()
    desk.edit_in_console(default("Epochs", 2.0))
    taken_over = (default("Epochs", 2.0),)
    code, said, _ = desk.plan(edits=taken_over)
    assert code == 3, "it is drift until it is recorded"
    assert "Deploying loses none of this" in said
    code, _, error = desk.upsert(edits=taken_over)
    assert (code, error) == (0, "")
    assert desk.plan(edits=taken_over)[0] == 0


def test_an_edit_that_was_taken_over_is_not_in_the_way_of_other_changes(desk: Desk) -> None:
    desk.upsert()
    desk.edit_in_console(default("Epochs", 2.0))
    assert desk.upsert(edits=(default("Epochs", 2.0), default("Seed", 7)))[0] == 0
    desk.edit_in_console(default("Epochs", 3.0))
    assert desk.upsert(edits=(default("Epochs", 2.0), default("Seed", 8)))[0] == 4


def test_what_is_deployed_can_be_had_and_deployed_as_it_is(desk: Desk) -> None:
    desk.upsert()
    desk.edit_in_console(default("Epochs", 2.0))
    code, said, _ = desk.asusu("plan", "--deployed")
    assert (code, said) == (0, desk.deployed["PipelineDefinition"])
    file = desk.folder / "deployed.json"
    file.write_text(said, encoding="utf-8")
    assert desk.asusu("upsert", "--yes", "--definition", str(file))[0] == 0
    assert desk.asusu("plan", "--definition", str(file))[0] == 0


def test_what_is_not_deployed_cannot_be_had(desk: Desk) -> None:
    code, said, error = desk.asusu("plan", "--deployed")
    assert (code, said) == (2, "")
    assert "asusu-igbo is not deployed" in error


def test_who_would_lose_an_edit_is_told_how_to_keep_it(desk: Desk) -> None:
    desk.upsert()
    desk.edit_in_console(default("Epochs", 2.0))
    _, _, error = desk.upsert()
    assert f"`asusu plan --env {desk.environment} --deployed > FILE`" in error


def test_an_edit_that_made_the_gate_looser_is_shown_as_such(desk: Desk) -> None:
    desk.upsert()
    desk.edit_in_console(default("MaxValidationLoss", 100.0))
    _, said, _ = desk.plan()
    assert "These edits made the gate LOOSER:\n  MaxValidationLoss: 1.6 → 100\n" in said
    _, said, _ = desk.plan("--json")
    assert [one["after"] for one in json.loads(said)["edits_loosened"]] == ["100"]


LOOSE = (default("MaxValidationLoss", 9.0),)


def nothing(desk: Desk) -> None:
    """Delete the pipeline."""
    desk.account.sagemaker.delete_pipeline(PipelineName=NAME)


def nonsense(desk: Desk) -> None:
    """Save what is no definition."""
    desk.account.sagemaker.update_pipeline(PipelineName=NAME, PipelineDefinition='{"nonsense": 1}')


@pytest.mark.parametrize("limit", [100.0, 9.0])
def test_a_gate_that_somebody_made_looser_first_is_compared_with_the_one_that_was_reviewed(
    desk: Desk, limit: float
) -> None:
    desk.upsert()
    desk.edit_in_console(default("MaxValidationLoss", limit))
    _refused_until_accepted(desk)


@pytest.mark.parametrize("lose", [nothing, nonsense])
def test_a_gate_that_cannot_be_read_any_more_is_compared_with_the_one_that_was_reviewed(
    desk: Desk, lose: Callable[[Desk], None]
) -> None:
    desk.upsert()
    lose(desk)
    _refused_until_accepted(desk)


def test_a_gate_that_nobody_kept_has_to_be_accepted(desk: Desk) -> None:
    desk.upsert()
    desk.account.s3.delete_object(
        Bucket=BUCKET, Key=desk.records.definition_key(next(desk.records.newest_first()).definition)
    )
    nothing(desk)
    code, _, error = desk.upsert("--overwrite-edits")
    assert code == 4
    assert "that of upsert 1, whose definition is gone" in error
    assert desk.upsert("--overwrite-edits", "--accept")[0] == 0


def _refused_until_accepted(desk: Desk) -> None:
    code, said, error = desk.upsert("--overwrite-edits", edits=LOOSE)
    assert code == 4
    assert "The gate gets LOOSER than upsert 1 left it:\n  MaxValidationLoss: 1.6 → 9\n" in said
    assert "the gate gets looser: MaxValidationLoss 1.6 → 9" in error
    assert json.loads(desk.plan("--json", edits=LOOSE)[1])["gate_loosened"][0]["before"] == "1.6"
    assert desk.upsert("--overwrite-edits", "--accept", edits=LOOSE)[0] == 0
    assert next(desk.records.newest_first()).accepted == ("MaxValidationLoss",)


def test_a_pipeline_that_nobody_recorded_is_not_overwritten_unasked(desk: Desk) -> None:
    text = desk.compiled().read_text(encoding="utf-8")
    desk.account.sagemaker.create_pipeline(
        PipelineName=NAME,
        PipelineDefinition=text,
        RoleArn="arn:aws:iam::123456789012:role/theirs",
        ClientRequestToken="x" * 32,
    )
    code, said, _ = desk.plan()
    assert code == 3
    assert "there is no record of it" in said
    assert "role of the executions" in said
    assert desk.upsert()[0] == 4
    assert desk.upsert("--overwrite-edits")[0] == 0
    assert desk.deployed["RoleArn"].endswith("asusu-pipeline")


def test_a_pipeline_that_was_deleted_is_drift_and_can_be_created_again(desk: Desk) -> None:
    desk.upsert()
    desk.account.sagemaker.delete_pipeline(PipelineName=NAME)
    code, said, _ = desk.plan()
    assert code == 3
    assert "it was deleted since upsert 1" in said
    assert desk.upsert()[0] == 4
    assert desk.upsert("--overwrite-edits")[0] == 0
    assert next(desk.records.newest_first()).number == 2


def test_another_role_or_tag_is_drift(desk: Desk) -> None:
    desk.upsert()
    desk.account.sagemaker.update_pipeline(PipelineName=NAME, RoleArn="arn:aws:iam::123456789012:role/wide-open")
    desk.account.sagemaker.add_tags(
        ResourceArn=desk.deployed["PipelineArn"], Tags=[{"Key": "stage", "Value": "playground"}]
    )
    code, said, _ = desk.plan()
    assert code == 3
    assert "its role is arn:aws:iam::123456789012:role/wide-open" in said
    assert "tags were changed: stage" in said


def test_the_same_json_written_another_way_is_no_drift(desk: Desk) -> None:
    desk.upsert()
    raw = json.loads(desk.deployed["PipelineDefinition"])
    desk.account.sagemaker.update_pipeline(PipelineName=NAME, PipelineDefinition=json.dumps(raw, sort_keys=True))
    assert desk.plan()[0] == 0


def test_drift_is_seen_also_where_the_kept_definition_is_gone(desk: Desk) -> None:
    desk.upsert()
    key = desk.records.definition_key(next(desk.records.newest_first()).definition)
    desk.account.s3.delete_object(Bucket=BUCKET, Key=key)
    desk.edit_in_console(argument("TrainLora", "HyperParameters", "canary_steps", value="99"))
    code, said, _ = desk.plan("--json")
    assert code == 3
    assert "the recorded one is gone" in json.loads(said)["drift"]


def test_what_is_no_definition_any_more_can_be_replaced_but_not_unasked(desk: Desk) -> None:
    desk.upsert()
    desk.account.sagemaker.update_pipeline(PipelineName=NAME, PipelineDefinition='{"nonsense": 1}')
    code, said, _ = desk.plan()
    assert code == 3
    assert "no definition any more" in said
    assert "Replaces it: 10 steps" in said
    assert desk.upsert()[0] == 4
    assert desk.upsert("--overwrite-edits")[0] == 0
    assert desk.plan()[0] == 0
