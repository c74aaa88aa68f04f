"""From an empty account to a champion: every command an engineer, an operator and an approver type, against one account."""

from __future__ import annotations

import pytest

from tests.account.office import GROUP
from tests.account.telling import LOST, Diary, tell

CANARIES = ["Preflight", "PrepareCorpus", "TokenizeExamples", "CanaryTrain", "CanaryResume"]


@pytest.fixture(scope="module")
def diary(office, materials) -> Diary:
    """The whole story, told once; the tests below read in it."""
    return tell(office, *materials)


def test_a_start_before_the_upsert_says_what_to_do(diary):
    assert diary["start before upsert"].returncode == 2
    assert "upsert" in diary["start before upsert"].stderr


def test_a_zero_quota_is_refused_by_name_and_the_usual_quotas_are_not(diary):
    assert diary["preflight without quota"].returncode == 4
    checks = diary.found("preflight without quota")["checks"]
    refused = [check["name"] for check in checks if check["status"] == "refused"]
    assert refused == ["quota: ml.g5.xlarge for processing job usage"]
    assert diary["preflight"].returncode == 0, diary["preflight"].stdout


def test_the_doctor_finds_all_there_and_misses_the_stack_that_somebody_deleted(diary, office):
    checks = {check["name"]: check["status"] for check in diary.found("doctor")["checks"]}
    assert diary["doctor"].returncode == 0, diary["doctor"].stdout
    there = ("credentials", f"bucket {office.settings.bucket}", "role asusu-train", f"group {GROUP}", f"stack {LOST}")
    assert [checks.get(name) for name in there] == ["ok"] * 5
    assert checks[f"pipeline {GROUP}"] == "warning"
    assert diary["doctor without a stack"].returncode == 1
    without = {check["name"]: check["status"] for check in diary.found("doctor without a stack")["checks"]}
    assert without == {**checks, f"stack {LOST}": "refused"}


def test_the_plan_shows_differences_until_the_upsert_and_none_after(diary):
    assert diary["first plan"].returncode == 3
    assert diary["upsert"].returncode == 0, diary["upsert"].stderr
    assert diary["plan after upsert"].returncode == 0, diary["plan after upsert"].stdout


def test_an_upsert_starts_no_run(diary):
    assert diary.found("runs after upsert") == []


def test_an_edit_in_the_console_is_drift_and_not_overwritten_unless_told(diary):
    assert diary["plan after an edit"].returncode == 3
    assert "9.5" in diary["plan after an edit"].stdout
    assert diary["upsert over an edit"].returncode == 4
    assert diary["upsert again"].returncode == 0, diary["upsert again"].stderr


def test_an_edit_is_credited_to_who_made_it_and_when(diary, office):
    engineer = "arn:aws:iam::123456789012:user/engineer"
    assert f"definition was edited, by {engineer} at " in diary["plan after an edit"].stdout
    found = office.client("sagemaker").describe_pipeline(PipelineName=GROUP)
    assert {found[name]["IamIdentity"]["Arn"] for name in ("CreatedBy", "LastModifiedBy")} == {engineer}
    assert found["LastModifiedTime"] > found["CreationTime"]


def test_a_rollback_puts_back_what_was_deployed_before(diary):
    assert diary["upsert another"].returncode == 0, diary["upsert another"].stderr
    assert diary["rollback"].returncode == 0, diary["rollback"].stderr
    assert "default of Seed: 99" in diary["rollback"].stdout
    after, another, before = diary.found("deployed so far")[:3]
    assert (after["action"], after["restores"]) == ("rollback", before["number"])
    assert after["definition"] == before["definition"] != another["definition"]


def test_a_start_that_cannot_work_is_refused(diary):
    assert diary["start from nowhere"].returncode == 2
    assert "Nowhere" in diary["start from nowhere"].stderr
    assert diary["start out of range"].returncode == 2
    assert "MaxTrainingHours" in diary["start out of range"].stderr


def test_a_plan_that_does_not_fit_is_refused_and_nothing_is_started(diary):
    assert diary["start too long"].returncode == 4
    assert "the plan is refused, nothing was started" in diary["start too long"].stderr
    assert "MaxTrainingHours is 0.01" in diary["start too long"].stderr
    assert diary.found("runs in vain") == []


def test_an_approver_cannot_start_and_an_operator_cannot_decide(diary):
    """Their rights are those of the templates."""
    assert diary["approver starts"].returncode == 1
    assert "not allowed to call StartPipelineExecution" in diary["approver starts"].stderr
    assert diary["operator decides"].returncode == 1
    assert "not allowed to call UpdateModelPackage" in diary["operator decides"].stderr


def test_the_canaries_alone_run_up_to_the_second(diary):
    assert diary["start canaries"].returncode == 0, diary["start canaries"].stderr
    watched = diary["watch canaries"]
    assert watched.returncode == 0, watched.stdout + watched.stderr
    assert all(f"✓ {step}" in watched.stdout for step in CANARIES)
    assert "TrainLora" not in watched.stdout


def test_a_start_repeated_with_its_token_is_the_same_run(diary):
    assert diary.found("start repeated")["arn"] == diary.found("start")["arn"]
    assert diary.found("start repeated")["started_before"]
    assert not diary.found("start")["started_before"]
    assert diary["start repeated otherwise"].returncode == 2
    assert "already, with all steps: nothing was started" in diary["start repeated otherwise"].stderr


def test_a_run_is_stopped_in_its_training_and_explained(diary):
    execution = diary.found("start")["execution"]
    assert diary["stop"].returncode == 0, diary["stop"].stderr
    assert f"resume {execution}" in diary["stop"].stdout
    assert diary["watch the stop"].returncode == 1
    found = diary.found("explain the stop")
    assert (found["execution"], found["outcome"], found["step"], found["kind"]) == (
        execution,
        "Stopped",
        "TrainLora",
        "stopped",
    )
    assert any(f"resume {execution}" in line for line in found["next"])


def test_the_stopped_run_goes_on_from_its_checkpoint_to_its_end(diary):
    execution = diary.found("start")["execution"]
    assert diary["resume"].returncode == 0, diary["resume"].stderr
    assert f"execution {execution}" in diary["resume"].stdout
    watched = diary["watch"]
    assert watched.returncode == 0, watched.stdout + watched.stderr
    assert all(f"✓ {step}" in watched.stdout for step in ("TrainLora", "EvaluateModel", "RegisterModel"))
    assert f"it registered arn:aws:sagemaker:us-east-1:123456789012:model-package/{GROUP}/1" in diary["explain"].stdout


def test_of_an_earlier_run_only_the_steps_that_are_cached_are_taken(diary, office):
    """The canaries' run had finished the others as well."""
    arn = diary.found("start")["arn"]
    rows = office.client("sagemaker").list_pipeline_execution_steps(PipelineExecutionArn=arn)["PipelineExecutionSteps"]
    taken = {row["StepName"] for row in rows if "CacheHitResult" in row}
    assert taken == {"PrepareCorpus", "TokenizeExamples"}


def test_the_checkpoints_in_the_bucket_are_sealed(diary):
    assert diary["checkpoints"].returncode == 0, diary["checkpoints"].stderr
    rows = [row for row in diary.found("checkpoints")["checkpoints"] if "TrainLora" in row["steps"]]
    assert rows[-1]["name"] == "checkpoint-150"
    assert {row["state"] for row in rows} == {"sealed"}
    assert len(rows) > 1


def test_the_run_waits_for_approval_as_a_version_that_names_it(diary):
    (package,) = diary.found("packages")
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    assert package["CustomerMetadataProperties"]["execution_arn"] == diary.found("start")["arn"]


def test_the_version_is_reviewed_from_the_account(diary, office):
    assert diary["review"].returncode == 0, diary["review"].stderr
    assert "missing:" not in diary["review"].stdout, diary["review"].stdout
    (page,) = (office.folder / "dossiers").rglob("*.html")
    assert "chrF++" in page.read_text(encoding="utf-8")


def test_nobody_approves_their_own_run_and_somebody_else_does(diary):
    assert diary["approve one's own"].returncode == 2
    assert "yourself" in diary["approve one's own"].stderr
    assert diary["approve"].returncode == 0, diary["approve"].stderr
    (package,) = diary.found("packages at last")
    assert package["ModelApprovalStatus"] == "Approved"
    assert package["Champion"]
    assert package["LastModifiedBy"]["IamIdentity"]["Arn"].endswith(":user/approver")


def test_the_approval_event_publishes_the_champion(diary, office):
    rows = office.client("s3").list_objects_v2(Bucket=office.settings.bucket, Prefix=f"champion/{GROUP}/")["Contents"]
    names = {row["Key"].rpartition("/")[2] for row in rows}
    assert {"champion.json", "adapter_model.safetensors"} <= names


def test_from_a_step_on_the_earlier_results_are_taken_over_and_the_gate_refuses(diary):
    assert diary["start from a step"].returncode == 0, diary["start from a step"].stderr
    assert f"TrainLora of {diary.found('start')['execution']}" in diary["start from a step"].stdout
    watched = diary["watch the gate"]
    assert watched.returncode == 4, watched.stdout + watched.stderr
    assert diary.found("explain the gate")["kind"] == "refused by the gate"
    assert diary["resume after the gate"].returncode == 2
    assert "would be again" in diary["resume after the gate"].stderr


def test_the_list_of_runs_tells_how_each_ended_and_when(diary):
    rows = diary.found("runs")
    assert [(row["status"], row["refused"]) for row in rows] == [
        ("Failed", True),
        ("Succeeded", False),
        ("Succeeded", False),
    ]
    assert all(row["ended"] > row["started"] for row in rows)
    assert rows[1]["execution"] == diary.found("start")["execution"]
