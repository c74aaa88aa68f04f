"""`asusu review` and the end of a run: the dossier in three forms, and what to type next."""

from __future__ import annotations

import io
import json
import webbrowser
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from pipeline.cli.main import app
from pipeline.cli.outcome import print_outcome, report_on
from pipeline.local import record
from pipeline.local.record import Execution, StepRecord
from pipeline.local.registry import Registry
from steps import contract
from tests.unit.review.conftest import HOSTILE, evaluation, samples_with_champion, with_champion

BUCKET = "asusu-local"
DEFINITION = '{"Version": "2020-12-01", "Steps": []}'


def executed(workdir: Path, number: int, report: contract.EvaluationReport) -> Execution:
    """A run that got as far as its evaluation, as the runner leaves it."""
    name = f"run{number:09}"
    folder = workdir / "s3" / BUCKET / "runs" / name / "evaluation"
    contract.save(folder / contract.EVALUATION_REPORT, report)
    contract.save(folder / contract.SAMPLES, samples_with_champion())
    output = {"OutputName": "evaluation", "S3Output": {"S3Uri": f"s3://{BUCKET}/runs/{name}/evaluation"}}
    describe = {
        "ProcessingOutputConfig": {"Outputs": [output]},
        "AppSpecification": {"ImageUri": "repository/evaluate@sha256:1"},
    }
    steps = (StepRecord("EvaluateModel", "Processing", "Succeeded", describe=describe),)
    execution = Execution(name, "asusu-igbo", "d", {"LoraRank": 16}, steps, started=1.0, status="Succeeded", ended=91.0)
    record.save(workdir, execution)
    record.save_definition(workdir, name, DEFINITION)
    return execution


def registered(workdir: Path, number: int) -> Execution:
    """The same, with a version in the registry."""
    execution = executed(workdir, number, with_champion(evaluation()))
    package = Registry(workdir / "registry").register(
        {"ModelPackageGroupName": "asusu-igbo", "CustomerMetadataProperties": {"execution": execution.execution_id}}
    )
    step = StepRecord("RegisterModel", "RegisterModel", "Succeeded", describe=package)
    execution = replace(execution, steps=(*execution.steps, step))
    record.save(workdir, execution)
    return execution


def review(workdir: Path, *arguments: str) -> str:
    ended = CliRunner().invoke(app, ["review", *arguments, "--workdir", str(workdir)], catch_exceptions=False)
    assert ended.exit_code == 0, ended.output
    return ended.output


def printed(workdir: Path, execution: Execution) -> str:
    """What the end of a run prints."""
    paper = io.StringIO()
    print_outcome(Console(file=paper, width=200), report_on(execution, DEFINITION, workdir))
    return paper.getvalue()


def decide(workdir: Path, version: int, status: str) -> None:
    registry = Registry(workdir / "registry")
    registry.decide(str(registry.packages("asusu-igbo")[version - 1]["ModelPackageArn"]), status, "because", "ada")


def test_without_a_version_the_newest_that_waits_is_shown_and_else_the_newest(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        registered(tmp_path, number)
    assert "asusu-igbo/3, waiting for approval" in review(tmp_path)
    decide(tmp_path, 3, "Rejected")
    assert "asusu-igbo/2, waiting for approval" in review(tmp_path)
    decide(tmp_path, 2, "Approved")
    decide(tmp_path, 1, "Rejected")
    assert "asusu-igbo/3, rejected" in review(tmp_path)
    assert "asusu-igbo/1, rejected" in review(tmp_path, "1")


def test_with_nothing_registered_it_says_so_and_what_to_type(tmp_path: Path) -> None:
    ended = CliRunner().invoke(app, ["review", "--workdir", str(tmp_path)])
    assert "nothing is registered" in str(ended.exception)
    assert "run --local" in str(ended.exception)


def test_the_dossier_is_written_and_names_the_commands_to_decide(tmp_path: Path) -> None:
    registered(tmp_path, 1)
    output = review(tmp_path, "1")
    page = tmp_path / "reports" / "asusu-igbo-1.html"
    assert f"dossier:  {page}" in output
    for command in (
        f'asusu approve asusu-igbo/1 --reason "..." --workdir {tmp_path}',
        f'asusu reject asusu-igbo/1 --reason "..." --workdir {tmp_path}',
    ):
        assert command in output
    source = page.read_text(encoding="utf-8")
    assert "Passed the gate, waiting for approval" in source
    assert "asusu approve asusu-igbo/1 --reason" in source
    assert "image of EvaluateModel" in source
    decide(tmp_path, 1, "Approved")
    review(tmp_path, "1")
    assert "Passed the gate, approved" in page.read_text(encoding="utf-8")


def test_a_decided_version_is_offered_what_can_still_be_decided(tmp_path: Path) -> None:
    def offered() -> list[str]:
        return list(json.loads(review(tmp_path, "1", "--json"))["commands"])

    registered(tmp_path, 1)
    decide(tmp_path, 1, "Approved")
    assert offered() == ["look", "reject"]
    registered(tmp_path, 2)
    decide(tmp_path, 2, "Approved")
    assert offered() == ["look", "approve", "reject"]  # it can be champion again
    decide(tmp_path, 1, "Rejected")
    assert offered() == ["look", "approve"]
    assert "and asusu-igbo/2 is the champion" in (tmp_path / "reports" / "asusu-igbo-1.html").read_text("utf-8")


def test_a_version_whose_run_has_no_record_any_more_has_a_page_of_what_its_entry_names(tmp_path: Path) -> None:
    execution = registered(tmp_path, 1)
    where = f"s3://{BUCKET}/runs/{execution.execution_id}/evaluation/{contract.EVALUATION_REPORT}"
    path = tmp_path / "registry" / "asusu-igbo" / "1.json"
    package = json.loads(path.read_text()) | {
        "ModelMetrics": {"ModelQuality": {"Statistics": {"S3Uri": where}}},
        "InferenceSpecification": {"Containers": [{"ModelDataUrl": f"s3://{BUCKET}/training/gone/model.tar.gz"}]},
    }
    path.write_text(json.dumps(package))
    (tmp_path / "executions" / f"{execution.execution_id}.json").unlink()
    gone = f"the record of run {execution.execution_id!r} is gone from {tmp_path / 'executions'}"
    assert f"missing:  {gone}" in review(tmp_path, "1")
    facts = json.loads(review(tmp_path, "1", "--json"))
    assert facts["evaluation"]["champion"] == "asusu-igbo/1"
    assert facts["samples"]["random"]
    assert facts["absent"]["plan"] == f"There is no plan.json: {gone}."
    page = (tmp_path / "reports" / "asusu-igbo-1.html").read_text(encoding="utf-8")
    assert "Passed the gate, waiting for approval" in page
    assert "the run ended before" not in page


@pytest.mark.parametrize("execution", [None, "", "../../etc/passwd"])
def test_an_entry_that_names_no_run_is_reviewed_and_says_so(tmp_path: Path, execution: str | None) -> None:
    named = {} if execution is None else {"execution": execution}
    Registry(tmp_path / "registry").register(
        {
            "ModelPackageGroupName": "asusu-igbo",
            "InferenceSpecification": {"Containers": [{"ModelDataUrl": f"s3://{BUCKET}/gone/model.tar.gz"}]},
        }
    )
    path = tmp_path / "registry" / "asusu-igbo" / "1.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"CustomerMetadataProperties": named}))
    why = "the record of run '../../etc/passwd' is gone" if execution else "the entry does not say which run made it"
    assert f"missing:  {why}" in review(tmp_path, "1")
    assert why in json.loads(review(tmp_path, "1", "--json"))["absent"]["evaluation"]


def test_markdown_is_written_beside_the_page(tmp_path: Path) -> None:
    registered(tmp_path, 1)
    output = review(tmp_path, "1", "--markdown")
    path = tmp_path / "reports" / "asusu-igbo-1.md"
    assert f"markdown: {path}" in output
    assert path.read_text(encoding="utf-8").startswith("# asusu-igbo/1: passed the gate, waiting for approval\n")


def test_json_is_one_object_and_nothing_in_it_commands_a_terminal(tmp_path: Path) -> None:
    execution = registered(tmp_path, 1)
    path = tmp_path / "s3" / BUCKET / "runs" / execution.execution_id / "evaluation" / contract.SAMPLES
    drawn = contract.load(path, contract.SampleSet)
    hostile = HOSTILE + "\x9b31m\x7f\u202e\U000e0001"
    rows = [drawn.samples[0].model_copy(update={"hypothesis": hostile}), *drawn.samples[1:]]
    contract.save(path, drawn.model_copy(update={"samples": rows}))
    output = review(tmp_path, "1", "--json", "--markdown")
    assert not [sign for sign in output if not sign.isprintable() and sign != "\n"]
    facts = json.loads(output)
    assert facts["samples"]["random"][0]["hypothesis"] == hostile
    assert facts["package"]["ModelPackageVersion"] == 1
    assert facts["version"]["status"] == "waiting for approval"
    assert facts["evaluation"]["champion"] == "asusu-igbo/1"
    assert Path(facts["page"]).is_file()
    assert Path(facts["markdown"]).is_file()
    assert {"plan", "training", "data", "canaries", "seals"} <= facts.keys()


def test_open_shows_the_page_in_the_browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", opened.append)
    registered(tmp_path, 1)
    review(tmp_path, "--open")
    assert opened == [(tmp_path / "reports" / "asusu-igbo-1.html").as_uri()]


@pytest.mark.parametrize("reason", ["...", '"..."', "- -"])
def test_the_placeholder_of_the_command_is_no_reason(tmp_path: Path, reason: str) -> None:
    registered(tmp_path, 1)
    ended = CliRunner().invoke(app, ["approve", "1", "--reason", reason, "--workdir", str(tmp_path)])
    assert "a decision needs a reason" in str(ended.exception)


def test_a_run_ends_with_its_dossier_and_the_commands_to_look_and_to_decide(tmp_path: Path) -> None:
    output = printed(tmp_path, registered(tmp_path, 1))
    page = tmp_path / "reports" / "asusu-igbo-1.html"
    assert "model-package/asusu-igbo/1, waiting for approval" in output
    assert f"dossier: {page}" in output
    assert "Passed the gate, waiting for approval" in page.read_text(encoding="utf-8")
    after = output[output.index("next:") :]
    for verb in (
        "review asusu-igbo/1 --open",
        'approve asusu-igbo/1 --reason "..."',
        'reject asusu-igbo/1 --reason "..."',
    ):
        assert f"asusu {verb} --workdir {tmp_path}" in after


def test_a_refused_run_keeps_its_page_and_names_it(tmp_path: Path) -> None:
    execution = executed(tmp_path, 1, evaluation("refused"))
    execution = replace(execution, status="Failed", refused=True, failure_reason="Model refused: \x1b[31mloss")
    output = printed(tmp_path, execution)
    page = tmp_path / "reports" / "run000000001.html"
    assert f"dossier: {page}" in output
    assert "Refused by the gate" in page.read_text(encoding="utf-8")
    assert "next:    asusu params" in output
    assert "\x1b" not in output


def test_hostile_translations_do_not_reach_the_terminal_as_commands(tmp_path: Path) -> None:
    execution = registered(tmp_path, 1)
    path = tmp_path / "s3" / BUCKET / "runs" / execution.execution_id / "evaluation" / contract.SAMPLES
    drawn = contract.load(path, contract.SampleSet)
    hostile = drawn.showcase[0].model_copy(update={"hypothesis": "\x1b]0;title\x07[red]x[/red]\u202e"})
    contract.save(path, drawn.model_copy(update={"showcase": [hostile]}))
    output = printed(tmp_path, execution)
    assert not {"\x1b", "\x07", "\u202e"} & set(output)
    assert "[red]x[/red]" in output
