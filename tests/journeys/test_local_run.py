"""What a newcomer lives through: a first run, a second from cache, a refusal, a typo, a crash, real text."""

import json
import shutil
import signal
import subprocess
import tarfile
import time
from pathlib import Path

import polars as pl
import pytest
from safetensors.torch import load

from tests.journeys.conftest import Terminal, artefact, output, params, read_json

STEPS = [
    "Preflight",
    "PrepareCorpus",
    "TokenizeExamples",
    "CanaryTrain",
    "CanaryResume",
    "TrainLora",
    "EvaluateModel",
    "CheckValidationLoss",
    "RegisterModel",
]


def adapter(terminal):
    with tarfile.open(artefact(terminal, "TrainLora")) as tar:
        return load(tar.extractfile("adapter/adapter_model.safetensors").read())


def training_report(terminal):
    with tarfile.open(artefact(terminal, "TrainLora")) as tar:
        return json.loads(tar.extractfile("training.json").read())


def test_a_first_run_executes_every_step_and_registers_a_package(story):
    assert story.first.returncode == 0, story.first.stdout + story.first.stderr
    execution = story.terminal.last()
    assert {step.name: step.status for step in execution.steps} == {
        **dict.fromkeys(STEPS, "Succeeded"),
        "RejectModel": "Skipped",
    }
    (package,) = story.terminal.packages()
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    assert float(package["CustomerMetadataProperties"]["validation_loss"]) < 4.0


def test_the_end_shows_scores_rules_translations_report_package_and_the_next_command(story):
    output = story.first.stdout
    for text in ("en-ig", "ig-en", "chrF++", "✓", "reference", "registered", "dossier:", "package:", "next:"):
        assert text in output
    assert "champion rule not decided: no version had been approved" in output
    report = output.split("dossier:")[1].split()[0]
    assert "<html" in Path(report).read_text(encoding="utf-8")


def test_an_evaluation_set_of_others_is_kept_out_of_every_split_scored_and_shown(story, small_corpus, evaluation_set):
    kept_out = pl.read_csv(evaluation_set, separator="\t")
    given = evaluation_set.read_text(encoding="utf-8").splitlines()
    assert set(given) < set(small_corpus.read_text(encoding="utf-8").splitlines()), "it is part of the corpus"
    splits = output(story.terminal, "PrepareCorpus", "splits")
    report = read_json(output(story.terminal, "EvaluateModel", "evaluation") / "evaluation.json")
    rows = pl.concat(pl.read_parquet(splits / f"{name}.parquet") for name in ("train", "validation", "test"))
    for code in ("en", "ig"):
        assert not set(kept_out[code]) & set(rows[code])
    (benchmark,) = report["benchmarks"]
    assert benchmark["name"] == "textbook"
    for direction in benchmark["directions"]:
        assert direction["sentences"] == len(kept_out)
        assert direction["chrf"]["value"] > direction["base_chrf"]["value"], "learned from other rows"
    page = Path(story.first.stdout.split("dossier:")[1].split()[0]).read_text(encoding="utf-8")
    assert "<h4>textbook</h4>" in page


def test_a_second_run_reuses_every_finished_step_and_says_so(story, tmp_path):
    terminal = story.copy_to(tmp_path / "work")
    again = terminal.run(*story.arguments)
    assert again.returncode == 0
    reused = [step.name for step in terminal.last().steps if step.reused]
    assert {"PrepareCorpus", "TokenizeExamples", "CanaryTrain", "CanaryResume", "TrainLora", "EvaluateModel"} <= set(
        reused
    )
    assert "reused" in again.stdout
    assert len(terminal.packages()) == 1


def test_a_refused_gate_exits_4_registers_nothing_and_names_number_and_limit(story, tmp_path):
    terminal = story.copy_to(tmp_path / "work")
    before = terminal.packages()
    refused = terminal.run(*story.arguments, *params({"MaxValidationLoss": "0.01"}))
    assert refused.returncode == 4
    assert terminal.packages() == before
    execution = terminal.last()
    assert execution.refused
    assert execution.step("RegisterModel").status == "Skipped"
    assert execution.step("TrainLora").reused, "the gate's limit is no reason to train again"
    assert "0.01" in execution.failure_reason
    assert "validation loss" in execution.failure_reason
    assert execution.failure_reason in refused.stdout


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("LoraRank=0", "1 to 256"),
        ("LoraRank=many", "whole number"),
        ("LoraRnak=8", "unknown parameter"),
        ("TrainingInstanceType=ml.p9.huge", "ml.g5.xlarge"),
        ("LoraRank", "Name=Value"),
    ],
)
def test_a_bad_parameter_exits_2_and_runs_nothing(starting_point, tmp_path, value, says):
    terminal, arguments = starting_point(tmp_path / "work")
    refused = terminal.run(*arguments, "--param", value)
    assert refused.returncode == 2
    assert says in refused.stderr
    assert not (terminal.workdir / "executions").exists()
    assert not (terminal.workdir / "s3" / "asusu-local" / "corpora").exists()


def test_a_run_killed_in_training_resumes_to_the_same_step_and_weights(story, tmp_path):
    """The adapter is lost, so TrainLora runs again; the runner is killed in the middle of it, and the run resumed."""
    terminal = story.copy_to(tmp_path / "work")
    artefact(terminal, "TrainLora").unlink()
    command = terminal.command("run", "--local", "--workdir", str(terminal.workdir), *story.arguments)
    with subprocess.Popen(
        command, env=terminal.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as runner:
        first = terminal.last().execution_id
        _wait_for_step(terminal, first, 40)
        runner.send_signal(signal.SIGKILL)
        runner.wait(30)
    interrupted = terminal.last()
    assert interrupted.execution_id != first
    assert interrupted.step("TrainLora").status == "Executing"
    resumed = terminal.run("--resume")
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    execution = terminal.last()
    assert execution.execution_id == interrupted.execution_id
    report = training_report(terminal)
    assert report["resumed_from"] > 0
    assert report["steps"] == training_report(story.terminal)["steps"]
    ours, theirs = adapter(terminal), adapter(story.terminal)
    assert all(ours[name].equal(theirs[name]) for name in theirs), "the unbroken run's weights"


def _wait_for_step(terminal, before, step):
    """Until TrainLora of a newer execution than `before` has logged a step."""
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        for log in (terminal.workdir / "jobs").glob("*/TrainLora*/**/stdout.log"):
            if before not in log.parts and f'"event": "train", "step": {step},' in log.read_text(encoding="utf-8"):
                return
        time.sleep(0.1)
    raise AssertionError("TrainLora did not get that far")


def test_nothing_to_resume_is_said_plainly(tmp_path, starting_point):
    terminal, _ = starting_point(tmp_path / "work")
    refused = terminal.run("--resume")
    assert refused.returncode == 2
    assert "resume" in refused.stderr


def test_real_text_runs_through_the_same_pipeline(starting_point, tmp_path, shared_data):
    """Twenty steps of a tiny model on real sentences: the honest end is a refusal by the gate, not a failure."""
    terminal, arguments = starting_point(tmp_path / "work")
    arguments[1] = str(shared_data / "sample.en-ig.tsv")
    result = terminal.run(*arguments, *params({"MaxSteps": "20", "MaxValidationLoss": "1.0"}))
    assert result.returncode == 4, result.stdout + result.stderr
    execution = terminal.last()
    assert execution.refused
    assert [step.name for step in execution.steps if step.status == "Succeeded"] == STEPS[:-1]


def test_a_work_directory_that_cannot_be_written_is_refused(starting_point, tmp_path):
    _, arguments = starting_point(tmp_path / "elsewhere")
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    refused = Terminal(blocked).run(*arguments)
    assert refused.returncode == 2
    assert "work directory" in refused.stderr


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"id\ten\tyo\n1\thello\tbawo\n", "ig"),
        (b"id\ten\tig\n", "header"),
    ],
)
def test_a_bad_corpus_exits_2_and_names_the_file(starting_point, tmp_path, content, says):
    terminal, arguments = starting_point(tmp_path / "work")
    path = tmp_path / "broken.tsv"
    path.write_bytes(content)
    arguments[1] = str(path)
    refused = terminal.run(*arguments)
    assert refused.returncode == 2
    assert "broken.tsv" in refused.stderr
    assert says in refused.stderr
    assert not list((terminal.workdir / "s3" / "asusu-local" / "corpora").glob("*"))


def test_a_missing_corpus_is_named(starting_point, tmp_path):
    terminal, arguments = starting_point(tmp_path / "work")
    arguments[1] = "nowhere.tsv"
    refused = terminal.run(*arguments)
    assert refused.returncode == 2
    assert "nowhere.tsv" in refused.stderr


@pytest.mark.parametrize(
    ("breakage", "says"),
    [
        (lambda folder: (folder / "model.safetensors").rename(folder / "pytorch_model.bin"), "safetensors"),
        (lambda folder: (folder / "tokenizer.json").unlink(), "tokenizer"),
    ],
    ids=["a pickle instead of safetensors", "no tokenizer"],
)
@pytest.mark.parametrize("verb", [("run", "--local", "--base-model"), ("stage-base-model",)], ids=["run", "stage"])
def test_a_base_model_that_cannot_be_one_is_refused(small_base, small_corpus, tmp_path, breakage, says, verb):
    folder = tmp_path / "my-model"
    folder.mkdir()
    for path in [*(small_base / "model").iterdir(), *(small_base / "tokenizer").iterdir()]:
        shutil.copyfile(path, folder / path.name)
    breakage(folder)
    terminal = Terminal(tmp_path / "work")
    corpus = ["--corpus", str(small_corpus)] if verb[0] == "run" else []
    refused = terminal.call(*verb, str(folder), *corpus, "--workdir", str(terminal.workdir))
    assert refused.returncode == 2, refused.stdout + refused.stderr
    assert says in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not list((terminal.workdir / "s3").glob("*/base-models/*"))
    assert not (terminal.workdir / "executions").exists()


def test_a_folder_is_staged_and_its_address_printed(small_base, tmp_path):
    folder = tmp_path / "my-model"
    folder.mkdir()
    for path in [*(small_base / "model").iterdir(), *(small_base / "tokenizer").iterdir()]:
        shutil.copyfile(path, folder / path.name)
    terminal = Terminal(tmp_path / "work")
    staged = terminal.call("stage-base-model", str(folder), "--workdir", str(terminal.workdir))
    assert staged.returncode == 0, staged.stderr
    address = staged.stdout.split("BaseModelUri=")[1].strip()
    assert (terminal.workdir / "s3" / address.removeprefix("s3://") / "manifest.json").is_file()


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (["--param", "CorpusUri=s3://asusu-local/corpora/x"], "--corpus and --param CorpusUri"),
        (["--base-model", "tiny"], "--base-model and --param BaseModelUri"),
        (["--param", "ResumeFrom=nobody"], "ResumeFrom=nobody"),
        (["--param", "PackLength=300"], "multiple of PackLength"),
        (["--resume"], "contradict"),
    ],
)
def test_what_contradicts_itself_or_names_nothing_is_refused_at_once(starting_point, tmp_path, more, says):
    terminal, arguments = starting_point(tmp_path / "work")
    refused = terminal.run(*arguments, *more)
    assert refused.returncode == 2
    assert says in refused.stderr
    assert not (terminal.workdir / "executions").exists()


def test_an_address_where_nothing_lies_is_refused_at_once(tmp_path):
    refused = Terminal(tmp_path / "work").run(*params({"BaseModelUri": "s3://asusu-local/base-models/x"}))
    assert refused.returncode == 2
    assert "manifest.json" in refused.stderr


def test_a_resumed_run_keeps_its_parameters(story, tmp_path):
    terminal = story.copy_to(tmp_path / "work")
    record = terminal.workdir / "executions" / f"{terminal.last().execution_id}.json"
    record.write_text(record.read_text(encoding="utf-8").replace('"Succeeded"', '"Stopped"'), encoding="utf-8")
    refused = terminal.run("--resume", *params({"MaxSteps": "7"}))
    assert refused.returncode == 2
    assert "MaxSteps" in refused.stderr


def test_json_is_all_there_is_on_standard_output(story, tmp_path):
    terminal = story.copy_to(tmp_path / "work")
    result = terminal.run(*story.arguments, "--json")
    outcome = json.loads(result.stdout)
    assert outcome["status"] == "Succeeded"
    assert outcome["evaluation"]["gate"]["verdict"] == "passed"
    assert outcome["package"].endswith("asusu-igbo/1")


def test_a_report_that_cannot_be_written_does_not_change_how_the_run_ended(story, tmp_path):
    terminal = story.copy_to(tmp_path / "work")
    shutil.rmtree(terminal.workdir / "reports")
    (terminal.workdir / "reports").write_text("in the way")
    result = terminal.run(*story.arguments)
    assert result.returncode == 0
    assert "report could not be written" in result.stderr
    assert "registered" in result.stdout
