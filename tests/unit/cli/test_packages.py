"""Deciding on versions: a reason, the weights that were evaluated, one champion, rollback by approval."""

from __future__ import annotations

import getpass
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pipeline.cli import decide as verbs
from pipeline.cli.main import app
from pipeline.errors import AsusuError
from pipeline.local.archive import write_archive
from pipeline.local.decisions import LocalPackages
from pipeline.local.registry import Registry
from pipeline.packages import champion_of
from steps.contract import (
    ADAPTER_CONFIG,
    ADAPTER_FOLDER,
    ADAPTER_WEIGHTS,
    CHAMPION,
    DATA_REPORT,
    EVALUATION_REPORT,
    MANIFEST,
    NONE_OBJECT,
)
from steps.evaluate.champion import find_champion
from steps.evaluate.unpack import MODEL_ARCHIVE
from steps.job import write_json
from steps.sums import sha256_file
from tests.unit.versions import make

BUCKET = "asusu-local"


def asusu(workdir: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pipeline.cli.main", *arguments, "--workdir", str(workdir)]
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd()), "COLUMNS": "200"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def register(workdir: Path, value: float, group: str = "asusu-igbo") -> dict[str, Any]:
    """A version whose adapter holds one number, as a run leaves it."""
    made = make(workdir / "s3" / BUCKET / "runs" / str(value), value)
    where = f"s3://{BUCKET}/runs/{value}"
    return Registry(workdir / "registry").register(
        {
            "ModelPackageGroupName": group,
            "ModelApprovalStatus": "PendingManualApproval",
            "InferenceSpecification": {"Containers": [{"Image": "i", "ModelDataUrl": f"{where}/{MODEL_ARCHIVE}"}]},
            "ModelMetrics": made.metrics(f"{where}/{EVALUATION_REPORT}", f"{where}/{DATA_REPORT}"),
            "CustomerMetadataProperties": made.metadata | {"execution": "abcdefghijkl"},
        }
    )


def champion(workdir: Path, group: str = "asusu-igbo") -> str | None:
    found = find_champion(workdir / "s3" / BUCKET / "champion" / group)
    return found.name if found else None


def test_the_version_approved_last_is_champion_and_approving_an_older_one_rolls_back(tmp_path: Path) -> None:
    for value in (1.0, 2.0):
        register(tmp_path, value)
    first = asusu(tmp_path, "approve", "1", "--reason", "the first that is good enough")
    assert first.returncode == 0, first.stderr
    assert champion(tmp_path) == "asusu-igbo/1"
    assert (
        "champion: asusu-igbo/2 (before: asusu-igbo/1)" in asusu(tmp_path, "approve", "2", "--reason", "better").stdout
    )
    assert champion(tmp_path) == "asusu-igbo/2"
    asusu(tmp_path, "approve", "asusu-igbo/1", "--reason", "2 misses dots")
    assert champion(tmp_path) == "asusu-igbo/1"


def test_rejecting_the_champion_gives_its_place_to_the_one_before_and_then_to_none(tmp_path: Path) -> None:
    for value in (1.0, 2.0):
        register(tmp_path, value)
    for version in ("1", "2"):
        asusu(tmp_path, "approve", version, "--reason", "good")
    asusu(tmp_path, "reject", "2", "--reason", "it invents names")
    assert champion(tmp_path) == "asusu-igbo/1"
    asusu(tmp_path, "reject", "1", "--reason", "so does this")
    assert champion(tmp_path) is None
    assert (tmp_path / "s3" / BUCKET / "champion" / "asusu-igbo" / NONE_OBJECT).is_file()


def test_a_decision_is_kept_with_its_reason_and_who_made_it(tmp_path: Path) -> None:
    register(tmp_path, 1.0)
    asusu(tmp_path, "reject", "1", "--reason", "dots are lost: ọ becomes o")
    package = Registry(tmp_path / "registry").packages("asusu-igbo")[0]
    assert package["ModelApprovalStatus"] == "Rejected"
    assert package["ApprovalDescription"] == "dots are lost: ọ becomes o"
    assert package["LastModifiedBy"]["UserProfileName"]
    shown = asusu(tmp_path, "packages").stdout
    assert "Rejected" in shown
    assert "dots are lost" in shown


@pytest.mark.parametrize("reason", [[], ["--reason", ""], ["--reason", "   "], ["--reason", "x" * 1025]])
def test_a_decision_without_a_reason_or_with_too_long_a_one_changes_nothing(tmp_path: Path, reason: list[str]) -> None:
    register(tmp_path, 1.0)
    ended = asusu(tmp_path, "approve", "1", *reason)
    assert ended.returncode == 2
    assert "asusu: " in ended.stderr
    assert "reason" in ended.stderr
    assert Registry(tmp_path / "registry").packages("asusu-igbo")[0]["ModelApprovalStatus"] == "PendingManualApproval"


def test_the_command_shown_for_a_missing_reason_names_the_account_that_was_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(tmp_path, 1.0)
    monkeypatch.setattr(verbs, "registry_of", lambda *_: LocalPackages(tmp_path))
    ended = CliRunner().invoke(app, ["approve", "1", "--env", "production", "--account", "123456789012"])
    assert '--reason "..." --env production --account 123456789012' in str(ended.exception)


def test_weights_that_were_changed_after_the_evaluation_are_not_approved(tmp_path: Path) -> None:
    register(tmp_path, 1.0)
    other = register(tmp_path, 2.0)["InferenceSpecification"]["Containers"][0]["ModelDataUrl"]
    archive = tmp_path / "s3" / BUCKET / "runs" / "1.0" / MODEL_ARCHIVE
    archive.write_bytes((tmp_path / "s3" / other.removeprefix("s3://")).read_bytes())
    ended = asusu(tmp_path, "approve", "1", "--reason", "looks good")
    assert ended.returncode == 1
    assert f"{ADAPTER_WEIGHTS} of asusu-igbo/1 is not the one that was evaluated" in ended.stderr
    assert champion_of(Registry(tmp_path / "registry").packages("asusu-igbo")) is None


def test_a_report_that_was_changed_after_the_registration_is_not_approved(tmp_path: Path) -> None:
    register(tmp_path, 1.0)
    report = tmp_path / "s3" / BUCKET / "runs" / "1.0" / EVALUATION_REPORT
    as_written = report.read_text()
    report.write_text(as_written.replace("61.20", "99.99"))
    ended = asusu(tmp_path, "approve", "1", "--reason", "looks good")
    assert (ended.returncode, "evaluation report of asusu-igbo/1 was changed" in ended.stderr) == (1, True)
    report.write_text(as_written)
    assert asusu(tmp_path, "approve", "1", "--reason", "looks good").returncode == 0


def test_a_version_whose_files_are_gone_is_not_approved(tmp_path: Path) -> None:
    register(tmp_path, 1.0)
    (tmp_path / "s3" / BUCKET / "runs" / "1.0" / MODEL_ARCHIVE).unlink()
    ended = asusu(tmp_path, "approve", "1", "--reason", "looks good")
    assert (ended.returncode, "is gone" in ended.stderr) == (1, True)


def test_two_approvals_at_once_leave_one_whole_champion(tmp_path: Path) -> None:
    for value in (1.0, 2.0, 3.0):
        register(tmp_path, value)
    command = [sys.executable, "-m", "pipeline.cli.main", "approve"]
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    running = [
        subprocess.Popen(
            [*command, version, "--reason", "mine", "--workdir", str(tmp_path)],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for version in ("1", "2", "3")
    ]
    ended = [(process.communicate()[1], process.returncode) for process in running]
    assert any(code == 0 for _, code in ended)
    assert all(code == 0 or "is using" in error for error, code in ended), ended
    winner = champion_of(Registry(tmp_path / "registry").packages("asusu-igbo"))
    assert winner is not None
    assert champion(tmp_path) == f"asusu-igbo/{winner['ModelPackageVersion']}"


def test_a_champion_of_another_pipeline_is_left_alone(tmp_path: Path) -> None:
    register(tmp_path, 1.0)
    register(tmp_path, 2.0, group="asusu-en-sw")
    assert "several groups" in asusu(tmp_path, "approve", "1", "--reason", "good").stderr
    asusu(tmp_path, "approve", "asusu-igbo/1", "--reason", "good")
    asusu(tmp_path, "approve", "asusu-en-sw/1", "--reason", "good")
    assert (champion(tmp_path), champion(tmp_path, "asusu-en-sw")) == ("asusu-igbo/1", "asusu-en-sw/1")


@pytest.mark.parametrize("version", ["7", "asusu-igbo/7", "latest", "../1", ""])
def test_an_unknown_version_is_named_and_nothing_is_decided(tmp_path: Path, version: str) -> None:
    register(tmp_path, 1.0)
    ended = asusu(tmp_path, "approve", version, "--reason", "good")
    assert ended.returncode == 2
    assert f"packages --workdir {tmp_path} lists them" in ended.stderr


def test_an_entry_edited_by_hand_is_not_approved(tmp_path: Path) -> None:
    register(tmp_path, 1.0)
    path = tmp_path / "registry" / "asusu-igbo" / "1.json"
    package = json.loads(path.read_text())
    del package["InferenceSpecification"]
    path.write_text(json.dumps(package))
    ended = asusu(tmp_path, "approve", "1", "--reason", "good")
    assert (ended.returncode, "edited by hand" in ended.stderr) == (2, True)
    path.write_text("{")
    ended = asusu(tmp_path, "packages")
    assert (ended.returncode, "is not a model package" in ended.stderr) == (2, True)


def edit(workdir: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the first version's entry by hand."""
    path = workdir / "registry" / "asusu-igbo" / "1.json"
    package = json.loads(path.read_text())
    change(package)
    path.write_text(json.dumps(package))


EDITS: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "a better score": (
        lambda entry: entry["CustomerMetadataProperties"].update(chrf_forward="99.99"),
        "the entry of asusu-igbo/1 says chrf_forward '99.99', and its evaluation report says chrf_forward '61.20'",
    ),
    "a fact left out": (
        lambda entry: entry["CustomerMetadataProperties"].pop("gate_few_broken_forward"),
        "says nothing of gate_few_broken_forward, and its evaluation report says",
    ),
    "no sum of the evaluation": (
        lambda entry: entry["ModelMetrics"]["ModelQuality"]["Statistics"].pop("ContentDigest"),
        "the entry of asusu-igbo/1 states no sum of its evaluation report",
    ),
    "no data report": (
        lambda entry: entry["ModelMetrics"].pop("ModelDataQuality"),
        "the entry of asusu-igbo/1 states no sum of its data report",
    ),
    "no metrics": (lambda entry: entry.pop("ModelMetrics"), "states no sum of its evaluation report"),
    "no metadata": (lambda entry: entry.pop("CustomerMetadataProperties"), "states no sum of its base model"),
    "an older release's": (
        lambda entry: entry["CustomerMetadataProperties"].pop("adapter_config"),
        f"states no sum of {ADAPTER_CONFIG}: an older release made it, or somebody edited it",
    ),
    "no sum of the bundle": (
        lambda entry: entry["CustomerMetadataProperties"].pop("bundle"),
        "states no sum of its bundle",
    ),
}


@pytest.mark.parametrize("what", EDITS)
def test_an_entry_whose_words_were_edited_is_not_approved(tmp_path: Path, what: str) -> None:
    register(tmp_path, 1.0)
    change, said = EDITS[what]
    edit(tmp_path, change)
    with pytest.raises(AsusuError) as error:
        call(tmp_path, "approve", "1", "--reason", "good")
    assert said in error.value.message
    assert champion_of(Registry(tmp_path / "registry").packages("asusu-igbo")) is None


def repack(workdir: Path, folder: Path) -> None:
    """Put the first version's model together again, from changed files, and let the entry say the archive's new sum."""
    archive = workdir / "s3" / BUCKET / "runs" / "1.0" / MODEL_ARCHIVE
    write_archive(folder, archive)
    edit(workdir, lambda entry: entry["CustomerMetadataProperties"].update(bundle=f"sha256:{sha256_file(archive)}"))


def test_a_configuration_that_was_changed_after_the_evaluation_is_not_approved(tmp_path: Path) -> None:
    register(tmp_path, 1.0)
    model = tmp_path / "s3" / BUCKET / "runs" / "1.0" / "model"
    config = model / ADAPTER_FOLDER / ADAPTER_CONFIG
    config.write_text(config.read_text().replace('"lora_alpha": 16', '"lora_alpha": 64'))
    repack(tmp_path, model)
    with pytest.raises(AsusuError, match=rf"{ADAPTER_CONFIG} of asusu-igbo/1 is not the one that was evaluated"):
        call(tmp_path, "approve", "1", "--reason", "good")


def test_a_bundle_with_another_file_beside_the_adapter_is_not_approved(tmp_path: Path) -> None:
    register(tmp_path, 1.0)
    run = tmp_path / "s3" / BUCKET / "runs" / "1.0"
    (run / "model" / "model-card.json").write_text('{"a": "better card"}')
    write_archive(run / "model", run / MODEL_ARCHIVE)
    with pytest.raises(AsusuError, match="the bundle of asusu-igbo/1 was changed after it was registered"):
        call(tmp_path, "approve", "1", "--reason", "good")


def test_packages_as_json_is_what_the_service_describes_and_the_mark(tmp_path: Path) -> None:
    assert json.loads(asusu(tmp_path, "packages", "--json").stdout) == []
    register(tmp_path, 1.0)
    asusu(tmp_path, "approve", "1", "--reason", "good")
    (row,) = json.loads(asusu(tmp_path, "packages", "--json").stdout)
    assert (row["ModelPackageVersion"], row["Champion"], row["ModelApprovalStatus"]) == (1, True, "Approved")


def call(workdir: Path, *arguments: str) -> str:
    """`asusu` in this process."""
    ended = CliRunner().invoke(app, [*arguments, "--workdir", str(workdir)], catch_exceptions=False)
    assert ended.exit_code == 0, ended.output
    return ended.output


def test_every_decision_is_kept_and_the_last_is_listed_with_who_and_when(tmp_path: Path) -> None:
    for value in (1.0, 2.0):
        register(tmp_path, value)
    said = [
        ("approve", "the first\nthat is good enough"),
        ("reject", "it invents names"),
        ("approve", "no, it did not"),
    ]
    for verb, reason in said:
        call(tmp_path, verb, "1", "--reason", reason)
    first, second = json.loads(call(tmp_path, "packages", "--json"))
    assert [row["reason"] for row in first["Decisions"]] == [" ".join(reason.split()) for _, reason in said]
    assert [row["verdict"] for row in first["Decisions"]] == ["Approved", "Rejected", "Approved"]
    assert all(row["who"] for row in first["Decisions"])
    assert sorted(row["when"] for row in first["Decisions"]) == [row["when"] for row in first["Decisions"]]
    assert second["Decisions"] == []
    last = first["Decisions"][-1]
    shown = call(tmp_path, "packages")
    when = f"{last['when'][:16].replace('T', ' ')} UTC"
    assert f"asusu-igbo/1 approved {when} by {last['who']}: no, it did not (2 earlier, shown by --json)\n" in shown


def test_a_decision_brings_the_page_up_to_date_and_those_that_name_another_champion(tmp_path: Path) -> None:
    for value in (1.0, 2.0):
        register(tmp_path, value)
    page, other = (tmp_path / "reports" / f"asusu-igbo-{version}.html" for version in (1, 2))
    assert f"dossier: {page}" in call(tmp_path, "approve", "1", "--reason", "reads well <b>")
    assert "reads well &lt;b&gt;" in page.read_text(encoding="utf-8")
    assert "<dd>this version</dd>" in page.read_text(encoding="utf-8")
    assert not other.exists()
    call(tmp_path, "approve", "2", "--reason", "reads better")
    assert "reads better" in other.read_text(encoding="utf-8")
    assert "<dd>this version</dd>" not in page.read_text(encoding="utf-8")
    assert "asusu-igbo/2" in page.read_text(encoding="utf-8")


def test_a_decision_stands_where_its_page_cannot_be_written(tmp_path: Path) -> None:
    register(tmp_path, 1.0)
    (tmp_path / "reports").write_text("a file where a folder should be")
    said = call(tmp_path, "approve", "1", "--reason", "good")
    assert "asusu-igbo/1 is approved: good" in said
    assert "the page of asusu-igbo/1 could not be written, and still says what it said" in said
    assert champion(tmp_path) == "asusu-igbo/1"


def test_a_champion_whose_files_are_gone_is_not_published_and_what_stands_is_said(tmp_path: Path) -> None:
    for value in (1.0, 2.0):
        register(tmp_path, value)
    for version in ("1", "2"):
        call(tmp_path, "approve", version, "--reason", "good")
    (tmp_path / "s3" / BUCKET / "runs" / "1.0" / MODEL_ARCHIVE).unlink()
    with pytest.raises(AsusuError) as error:
        call(tmp_path, "reject", "2", "--reason", "it invents names")
    assert "asusu-igbo/2 is rejected, but the champion's folder still holds asusu-igbo/2" in error.value.message
    assert "the model of asusu-igbo/1 is gone" in error.value.message
    assert Registry(tmp_path / "registry").packages("asusu-igbo")[1]["ModelApprovalStatus"] == "Rejected"
    assert "it invents names" in (tmp_path / "reports" / "asusu-igbo-2.html").read_text(encoding="utf-8")
    assert champion(tmp_path) == "asusu-igbo/2"
    call(tmp_path, "reject", "1", "--reason", "its files are gone")
    assert champion(tmp_path) is None


def test_a_person_without_a_name_decides_by_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr(getpass, "getuser", nobody)
    register(tmp_path, 1.0)
    call(tmp_path, "reject", "1", "--reason", "bad")
    package = Registry(tmp_path / "registry").packages("asusu-igbo")[0]
    assert package["LastModifiedBy"]["UserProfileName"] == f"uid {os.getuid()}"


def test_hostile_text_of_an_entry_reaches_the_terminal_as_text(tmp_path: Path) -> None:
    register(tmp_path, 1.0)
    path = tmp_path / "registry" / "asusu-igbo" / "1.json"
    hostile = "\x1b]0;title\x07[red]x[/red]\u202e"
    package = json.loads(path.read_text())
    package |= {"ModelApprovalStatus": "Approved", "ApprovalDescription": hostile * 200}
    package["CustomerMetadataProperties"] |= {"chrf_forward": hostile, "execution": f"../../{hostile}"}
    path.write_text(json.dumps(package))
    for said in (call(tmp_path, "packages"), call(tmp_path, "packages", "--json"), call(tmp_path, "review", "1")):
        assert not {"\x1b", "\x07", "\u202e"} & set(said)
    assert "[red]x[/red]" in call(tmp_path, "packages")


def test_control_characters_of_a_reason_do_not_reach_the_terminal(tmp_path: Path) -> None:
    register(tmp_path, 1.0)
    ended = asusu(tmp_path, "reject", "1", "--reason", "red \x1b[31m text")
    assert "\x1b" not in ended.stdout
    assert "\x1b[31m text" not in asusu(tmp_path, "packages").stdout


def test_a_bundle_that_was_tampered_with_fails_the_evaluation(tmp_path: Path) -> None:
    from steps.job import Refused

    register(tmp_path, 1.0)
    asusu(tmp_path, "approve", "1", "--reason", "good")
    folder = tmp_path / "s3" / BUCKET / "champion" / "asusu-igbo"
    assert json.loads((folder / CHAMPION).read_text())["package"] == "asusu-igbo/1"
    for file, content in ((ADAPTER_CONFIG, b"{}"), (ADAPTER_WEIGHTS, b"other weights")):
        (folder / ADAPTER_FOLDER / file).write_bytes(content)
        with pytest.raises(Refused, match=f"the champion's {file} is not the one of asusu-igbo/1 that was approved"):
            find_champion(folder)


def test_a_run_publishes_what_an_interrupted_approval_left_out_or_is_not_begun(tmp_path: Path) -> None:
    arn = str(register(tmp_path, 1.0)["ModelPackageArn"])
    Registry(tmp_path / "registry").decide(arn, "Approved", "good", "ada")  # and then the process was killed
    store = tmp_path / "s3" / BUCKET
    for name in ("corpora", "base-models"):
        write_json(store / name / "x" / MANIFEST, {})
    published = store / "champion" / "asusu-igbo"
    archive = store / "runs" / "1.0" / MODEL_ARCHIVE
    away = archive.rename(archive.with_suffix(".away"))
    inputs = [
        f"{name}=s3://{BUCKET}/{place}/x" for name, place in (("CorpusUri", "corpora"), ("BaseModelUri", "base-models"))
    ]
    run = ["run", "--local", "--workdir", str(tmp_path), *(part for value in inputs for part in ("--param", value))]
    ended = CliRunner().invoke(app, run)
    assert isinstance(ended.exception, AsusuError)
    assert "nothing was run, since the approved version cannot be mounted as champion" in ended.exception.message
    assert not published.exists()
    assert not (tmp_path / "executions").exists()
    away.rename(archive)
    assert CliRunner().invoke(app, run).exit_code == 1, "the corpus is empty: Preflight refuses it"
    assert champion(tmp_path) == "asusu-igbo/1"
