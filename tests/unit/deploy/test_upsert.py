"""Deploying: what is shown, put in place, recorded and refused."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from pipeline.aws.deploying import Deployment, Wanted, deploy
from pipeline.aws.pipelines import look
from pipeline.cli.plan_view import Paper
from pipeline.definition import digest, with_own_sum
from tests.unit.deploy.conftest import BUCKET, NAME, Desk, git
from tests.unit.plan.editing import argument, default


def test_the_first_upsert_creates_the_pipeline_with_role_and_tags_and_starts_nothing(desk: Desk) -> None:
    code, said, error = desk.upsert()
    assert (code, error) == (0, "")
    assert "Creates it: 10 steps" in said
    assert desk.deployed["PipelineDefinition"] == desk.compiled().read_text(encoding="utf-8")
    assert desk.deployed["RoleArn"].endswith("role/asusu-pipeline")
    assert desk.tags == {"project": "asusu", "stage": "production"}
    assert desk.account.sagemaker.list_pipeline_executions(PipelineName=NAME)["PipelineExecutionSummaries"] == []


def test_plan_says_differences_before_and_none_after(desk: Desk) -> None:
    assert desk.plan()[0] == 3
    assert desk.upsert()[0] == 0
    code, said, _ = desk.plan()
    assert code == 0
    assert "No differences" in said


def test_an_upsert_of_the_same_again_writes_nothing(desk: Desk) -> None:
    desk.upsert()
    before = desk.deployed["LastModifiedTime"], len(list(desk.records.newest_first()))
    code, said, _ = desk.upsert()
    assert code == 0
    assert "No differences" in said
    assert (desk.deployed["LastModifiedTime"], len(list(desk.records.newest_first()))) == before


def test_an_upsert_is_recorded_with_definition_commit_and_who(desk: Desk) -> None:
    desk.upsert()
    desk.upsert(edits=(default("Epochs", 2.0),))
    second, first = desk.records.newest_first()
    assert (first.number, second.number) == (1, 2)
    assert (first.state, second.state) == ("done", "done")
    assert second.before == first.definition != second.definition
    assert second.code == git(desk.checkout, "rev-parse", "HEAD")
    assert second.by == "arn:aws:sts::123456789012:user/moto"
    kept = desk.records.definition(second.definition)
    assert kept == desk.deployed["PipelineDefinition"]
    assert digest(kept) == second.definition


def test_the_plan_shows_a_change_its_meaning_the_cache_and_the_cost(desk: Desk) -> None:
    desk.upsert()
    code, said, _ = desk.plan(edits=(default("Epochs", 2.0), default("MaxValidationLoss", 2.0)))
    assert code == 3
    assert "The gate gets LOOSER:\n  MaxValidationLoss: 1.6 → 2\n" in said
    assert "default of Epochs: 1.0 → 2.0" in said
    assert "TokenizeExamples runs again: the default of Epochs changes" in said
    assert "PrepareCorpus takes an earlier result as before" in said
    assert "training, hours" in said


def test_the_plan_as_json_lists_every_change_with_both_sides(desk: Desk) -> None:
    desk.upsert()
    code, said, _ = desk.plan("--json", edits=(default("Epochs", 2.0),))
    found = json.loads(said)
    assert code == 3
    change = next(row for row in found["changes"] if row["where"] == "Parameters.Epochs.DefaultValue")
    assert (change["before"], change["after"]) == (1.0, 2.0)
    assert found["last"]["number"] == 1
    assert found["drift"] is None
    before, after = (found["run"][when]["training"]["hours_expected"] for when in ("before", "after"))
    assert after == pytest.approx(2 * before, rel=0.01)


def test_a_looser_gate_is_refused_until_it_is_accepted_and_the_acceptance_is_recorded(desk: Desk) -> None:
    desk.upsert()
    looser = (default("MaxValidationLoss", 2.0),)
    code, _, error = desk.upsert(edits=looser)
    assert code == 4
    assert "the gate gets looser: MaxValidationLoss 1.6 → 2" in error
    assert "2.0" not in json.dumps(json.loads(desk.deployed["PipelineDefinition"])["Parameters"][11])
    assert desk.upsert("--accept", edits=looser)[0] == 0
    assert next(desk.records.newest_first()).accepted == ("MaxValidationLoss",)


def test_uncommitted_code_is_refused_unless_allowed_and_is_recorded_as_such(desk: Desk) -> None:
    (desk.checkout / "code.py").write_text("print(2)\n")
    (desk.checkout / "new.py").write_text("")
    code, _, error = desk.upsert()
    assert code == 4
    assert "code.py, new.py" in error
    assert "--allow-dirty" in error
    assert desk.upsert("--allow-dirty")[0] == 0
    assert next(desk.records.newest_first()).dirty


def test_an_image_without_a_digest_is_refused(desk: Desk) -> None:
    image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/asusu-train:latest"
    code, _, error = desk.upsert(edits=(argument("TrainLora", "AlgorithmSpecification", "TrainingImage", value=image),))
    assert code == 4
    assert "asusu-train:latest" in error
    assert desk.account.sagemaker.list_pipelines()["PipelineSummaries"] == []


def test_a_definition_that_fails_lint_is_refused_with_the_finding(desk: Desk) -> None:
    code, _, error = desk.upsert(edits=(argument("TrainLora", "EnableNetworkIsolation", value=False),))
    assert code == 4
    assert "[network-isolation]" in error


def test_every_reason_is_told_at_once(desk: Desk) -> None:
    desk.upsert()
    (desk.checkout / "code.py").write_text("print(2)\n")
    code, _, error = desk.upsert(
        edits=(default("MaxBrokenShare", 0.5), argument("TrainLora", "EnableNetworkIsolation", value=False))
    )
    assert code == 4
    assert all(said in error for said in ("network-isolation", "--allow-dirty", "--accept"))


def test_without_a_terminal_and_without_yes_nothing_is_deployed(desk: Desk) -> None:
    code, said, error = desk.asusu("upsert", "--definition", str(desk.compiled()))
    assert code == 2
    assert "Creates it" in said
    assert "--yes" in error
    assert list(desk.records.newest_first()) == []


def test_a_tag_that_is_no_longer_wanted_goes_and_tags_of_others_stay(desk: Desk) -> None:
    desk.upsert()
    arn = desk.deployed["PipelineArn"]
    desk.account.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "cost-centre", "Value": "7"}])
    text = desk.environment.read_text(encoding="utf-8")
    desk.environment.write_text(text.replace("  stage: production\n", "  team: translation\n"), encoding="utf-8")
    code, said, _ = desk.plan()
    assert code == 3
    assert "tag stage: gone (was production)" in said
    assert desk.upsert()[0] == 0
    assert desk.tags == {"project": "asusu", "team": "translation", "cost-centre": "7"}
    assert desk.plan()[0] == 0


def test_a_large_definition_goes_through_the_bucket(desk: Desk) -> None:
    def padded(raw: dict[str, Any]) -> None:
        raw["Metadata"] = {"note": "y" * 120_000}

    seen: list[dict[str, Any]] = []
    desk.account.sagemaker.meta.events.register(
        "provide-client-params.sagemaker.CreatePipeline", lambda params, **_: seen.append(params)
    )
    text = desk.compiled(padded).read_text(encoding="utf-8")
    wanted = Wanted(text, "arn:aws:iam::123456789012:role/asusu-pipeline", {})
    deploy(desk.account, desk.records, look(desk.account, desk.records), wanted, Deployment("upsert", "code", "ada"))
    assert "PipelineDefinition" not in seen[0]
    place = seen[0]["PipelineDefinitionS3Location"]
    assert place["Bucket"] == BUCKET
    kept = desk.account.s3.get_object(Bucket=BUCKET, Key=place["ObjectKey"])["Body"].read()
    assert kept.decode("utf-8") == text


def test_a_definition_over_a_megabyte_is_refused_before_anything_is_written(desk: Desk) -> None:
    def edit(raw: dict[str, Any]) -> None:
        raw["Metadata"] = {"note": "y" * 1_100_000}

    code, _, error = desk.upsert(edits=(edit,))
    assert code == 2
    assert "1,048,576" in error
    assert desk.account.s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == 0


def test_a_file_that_was_edited_is_deployed_stating_its_own_sum(desk: Desk) -> None:
    path = desk.compiled()
    path.write_text(path.read_text(encoding="utf-8").replace('"DefaultValue": 1.6', '"DefaultValue": 1.5'))
    assert desk.asusu("upsert", "--yes", "--definition", str(path))[0] == 0
    deployed = desk.deployed["PipelineDefinition"]
    assert with_own_sum(deployed) == deployed
    assert desk.records.definition(digest(deployed)) == deployed
    assert '"DefaultValue": 1.5' in deployed
    assert desk.asusu("plan", "--definition", str(path))[0] == 0


def test_what_comes_next_after_an_upsert_is_what_it_takes(desk: Desk) -> None:
    _, said, _ = desk.upsert()
    (line,) = [line for line in said.splitlines() if "--param" in line]
    assert line.startswith("  start a run: asusu start --env ")
    assert line.endswith(" --param CorpusUri=... --param BaseModelUri=...")
    assert "unknown" not in said
    assert "11 of 11 checks are ok" in said


def test_a_command_stays_one_line_in_a_narrow_terminal() -> None:
    out = io.StringIO()
    command = "asusu start --env production --param CorpusUri=... --param BaseModelUri=..."
    Paper(Console(file=out, force_terminal=True, width=40)).command(command, 2)
    assert out.getvalue() == f"  {command}\n"


def test_a_plan_of_a_file_names_the_file(desk: Desk) -> None:
    desk.upsert()
    _, said, _ = desk.plan()
    assert f"No differences: what is deployed is what {desk.folder / 'wanted.json'} says" in said
    other = desk.compiled(name="other.json")
    _, said, _ = desk.plan("--against", str(other))
    assert f"No differences: {other} is what" in said


def test_a_plan_says_where_the_steps_end_before_the_examples(desk: Desk) -> None:
    _, said, _ = desk.plan(edits=(default("MaxSteps", 150),))
    assert "after, not all of it is read: MaxSteps=150 ends it" in said
    assert " 0.0" not in said


def test_a_file_compiled_for_another_account_is_refused(desk: Desk) -> None:
    path = desk.compiled()
    path.write_text(
        path.read_text(encoding="utf-8").replace("iam::123456789012", "iam::000000000000"), encoding="utf-8"
    )
    code, _, error = desk.asusu("plan", "--definition", str(path))
    assert code == 2
    assert "account 000000000000" in error


@pytest.mark.parametrize("content", ["", "[]", '{"Steps": 3}', "\x00"])
def test_a_file_that_is_no_definition_is_bad_input(desk: Desk, content: str) -> None:
    path = desk.folder / "broken.json"
    path.write_text(content)
    assert desk.asusu("plan", "--definition", str(path))[0] == 2
    assert desk.asusu("plan", "--definition", str(desk.folder / "missing.json"))[0] == 2


def test_two_files_are_compared_without_an_account(desk: Desk) -> None:
    before, after = desk.compiled(name="a.json"), desk.compiled(default("Epochs", 2.0), name="b.json")
    assert desk.asusu("plan", "--against", str(before), "--definition", str(before))[0] == 0
    code, said, _ = desk.asusu("plan", "--against", str(before), "--definition", str(after))
    assert code == 3
    assert "default of Epochs: 1.0 → 2.0" in said


def test_the_shipped_definition_is_compared_with_a_file(desk: Desk, tmp_path: Path) -> None:
    code, said, _ = desk.call("plan", "--env", "local", "--against", str(desk.compiled()), "--json")
    assert code == 3
    assert any(row["where"].endswith("TrainingImage") for row in json.loads(said)["changes"])


@pytest.mark.parametrize(("answer", "code", "count"), [("y\n", 0, 1), ("n\n", 1, 0), ("\n", 1, 0)])
def test_a_person_is_asked_after_the_plan(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, answer: str, code: int, count: int
) -> None:
    class Keyboard(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Keyboard(answer))
    ended, said, _ = desk.asusu("upsert", "--definition", str(desk.compiled()))
    assert ended == code
    assert said.index("Creates it") < said.index("Deploy asusu-igbo?")
    assert len(list(desk.records.newest_first())) == count


@pytest.mark.slow
def test_what_is_compiled_afresh_is_deployed_and_then_is_no_difference(desk: Desk) -> None:
    pytest.importorskip("sagemaker")
    assert desk.asusu("upsert", "--yes")[0] == 0
    assert json.loads(desk.deployed["PipelineDefinition"])["Steps"][0]["Name"] == "Preflight"
    assert desk.asusu("plan")[0] == 0
