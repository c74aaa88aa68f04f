"""From an empty account to a champion: every command an engineer, an operator and an approver type, against one account."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from subprocess import CompletedProcess

import pytest

from tests.account.conftest import GROUP
from tests.account.furnish import write_tables

Done = CompletedProcess[str]


@dataclass
class Diary:
    """What every command answered, in the order it was typed."""

    said: dict[str, Done] = field(default_factory=dict)

    def __getitem__(self, moment: str) -> Done:
        return self.said[moment]


@pytest.fixture(scope="module")
def diary(office, materials) -> Diary:
    """The whole story, told once; the tests below read in it."""
    table, base = materials
    diary = Diary()

    def note(moment: str, done: Done) -> Done:
        diary.said[moment] = done
        return done

    note("start before upsert", office.call("operator", "start"))
    published = note(
        "publish", office.call("engineer", "publish", "--corpus", str(table), "--base-model", str(base), "--json")
    )
    assert published.returncode == 0, published.stderr
    given = json.loads(published.stdout)["parameters"]
    params = [item for name, value in given.items() for item in ("--param", f"{name}={value}")]

    write_tables(office.folder, quotas={"ml.g5.xlarge for processing job usage": 0})
    note("preflight without quota", office.call("engineer", "preflight", "--json", *params))
    write_tables(office.folder)
    note("preflight", office.call("engineer", "preflight", *params))
    note("doctor", office.call("engineer", "doctor"))

    note("first plan", office.call("engineer", "plan"))
    note("upsert", office.call("engineer", "upsert", "--yes", "--allow-dirty"))
    note("plan after upsert", office.call("engineer", "plan"))
    note("runs after upsert", office.call("operator", "runs", "--json"))

    _edit_in_the_console(office)
    note("plan after an edit", office.call("engineer", "plan"))
    note("upsert over an edit", office.call("engineer", "upsert", "--yes", "--allow-dirty"))
    note("upsert again", office.call("engineer", "upsert", "--yes", "--allow-dirty", "--overwrite-edits"))

    note("approver starts", office.call("approver", "start", *params))
    note("start from nowhere", office.call("operator", "start", "--from", "Nowhere", *params))
    note("start too dear", office.call("operator", "start", *params, "--param", "MaxTrainingHours=9999"))
    started = note("start", office.call("operator", "start", *params, "--json"))
    assert started.returncode == 0, started.stderr
    note("watch", office.call("operator", "watch", "--every", "0.5"))
    note("explain", office.call("operator", "explain"))
    note("checkpoints", office.call("operator", "checkpoints", "--json"))
    note("packages", office.call("approver", "packages", "--json"))
    note("review", office.call("approver", "review", "1", "--workdir", str(office.folder / "dossiers")))
    note("approve one's own", office.call("operator", "approve", "1", "--reason", "my own work is good"))
    note("operator decides", office.call("operator", "reject", "1", "--reason", "no"))
    note("approve", office.call("approver", "approve", "1", "--reason", "first of its kind; read 20 samples"))
    note("packages at last", office.call("approver", "packages", "--json"))
    return diary


def _edit_in_the_console(office) -> None:
    """Somebody raises a limit by hand."""
    client = office.client("sagemaker", "engineer")
    definition = json.loads(client.describe_pipeline(PipelineName=GROUP)["PipelineDefinition"])
    for row in definition["Parameters"]:
        if row["Name"] == "MaxValidationLoss":
            row["DefaultValue"] = 9.5
    client.update_pipeline(PipelineName=GROUP, PipelineDefinition=json.dumps(definition))


def test_a_start_before_the_upsert_says_what_to_do(diary):
    assert diary["start before upsert"].returncode == 2
    assert "upsert" in diary["start before upsert"].stderr


def test_a_zero_quota_is_refused_by_name_and_the_usual_quotas_are_not(diary):
    assert diary["preflight without quota"].returncode == 4
    checks = json.loads(diary["preflight without quota"].stdout)["checks"]
    refused = [check["name"] for check in checks if check["status"] == "refused"]
    assert refused == ["quota: ml.g5.xlarge for processing job usage"]
    assert diary["preflight"].returncode == 0, diary["preflight"].stdout


def test_the_plan_shows_differences_until_the_upsert_and_none_after(diary):
    assert diary["first plan"].returncode == 3
    assert diary["upsert"].returncode == 0, diary["upsert"].stderr
    assert diary["plan after upsert"].returncode == 0, diary["plan after upsert"].stdout


def test_an_upsert_starts_no_run(diary):
    assert json.loads(diary["runs after upsert"].stdout) == []


def test_an_edit_in_the_console_is_drift_and_not_overwritten_unless_told(diary):
    assert diary["plan after an edit"].returncode == 3
    assert "9.5" in diary["plan after an edit"].stdout
    assert diary["upsert over an edit"].returncode == 4
    assert diary["upsert again"].returncode == 0, diary["upsert again"].stderr


def test_a_start_that_cannot_work_is_refused(diary):
    assert diary["start from nowhere"].returncode == 2
    assert "Nowhere" in diary["start from nowhere"].stderr
    assert diary["start too dear"].returncode == 2
    assert "MaxTrainingHours" in diary["start too dear"].stderr


def test_an_approver_cannot_start_and_an_operator_cannot_decide(diary):
    """Their rights are those of the templates."""
    assert diary["approver starts"].returncode == 1
    assert "not allowed to call StartPipelineExecution" in diary["approver starts"].stderr
    assert diary["operator decides"].returncode == 1
    assert "not allowed to call UpdateModelPackage" in diary["operator decides"].stderr


def test_a_started_run_is_watched_to_its_end(diary):
    watched = diary["watch"]
    assert watched.returncode == 0, watched.stdout + watched.stderr
    for step in ("Preflight", "TrainLora", "EvaluateModel", "RegisterModel"):
        assert step in watched.stdout


def test_the_checkpoints_in_the_bucket_are_sealed(diary):
    assert diary["checkpoints"].returncode == 0, diary["checkpoints"].stderr
    assert json.loads(diary["checkpoints"].stdout)


def test_the_version_is_reviewed_from_the_account(diary, office):
    assert diary["review"].returncode == 0, diary["review"].stderr
    (page,) = (office.folder / "dossiers").rglob("*.html")
    assert "chrF++" in page.read_text(encoding="utf-8")


def test_nobody_approves_their_own_run_and_somebody_else_does(diary):
    assert diary["approve one's own"].returncode == 2
    assert "yourself" in diary["approve one's own"].stderr
    assert diary["approve"].returncode == 0, diary["approve"].stderr
    (package,) = json.loads(diary["packages at last"].stdout)
    assert package["ModelApprovalStatus"] == "Approved"
    assert package["Champion"]


def test_the_approval_event_publishes_the_champion(diary, office):
    rows = office.client("s3").list_objects_v2(Bucket=office.settings.bucket, Prefix=f"champion/{GROUP}/")["Contents"]
    names = {row["Key"].rpartition("/")[2] for row in rows}
    assert {"champion.json", "adapter_model.safetensors"} <= names
