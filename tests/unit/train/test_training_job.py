"""TrainLora as a job: it finishes, stops in time, survives being killed, and says honestly how far it came."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors.torch import load_file

from pipeline.cli.definition import definition_text
from pipeline.definition import read
from steps.contract import CANARY_REPORT, SEAL, Seal, TokenFingerprint, TrainingReport, load, save
from steps.job import Refused
from steps.models import collate
from steps.train.__main__ import main


def report(job):
    return load(job.model / "training.json", TrainingReport)


def adapter(job):
    return load_file(job.model / "adapter" / "adapter_model.safetensors")


def same(first, second):
    return first.keys() == second.keys() and all(first[name].equal(second[name]) for name in first)


def test_a_run_reaches_its_planned_step_and_learns(training_job):
    job = training_job()
    main()
    done = report(job)
    assert (done.steps, done.planned_steps, done.fraction, done.stop_reason) == (20, 20, 1.0, "finished")
    assert done.curve[-1].loss < done.curve[0].loss
    assert len(done.curve) == 20
    assert done.checkpoints == [1, 20], "one early, one at the end, none deleted"
    assert sorted(path.name for path in (job.model / "adapter").iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]
    assert "job/" not in (job.model / "adapter" / "adapter_config.json").read_text(), "no path of this machine"


def test_a_run_resumed_from_its_checkpoint_ends_with_the_very_same_weights(training_job):
    whole = training_job("whole")
    main()
    resumed = training_job("resumed")
    (whole.checkpoints / "checkpoint-1").rename(resumed.checkpoints.parent / "keep")
    resumed.checkpoints.mkdir()
    (resumed.root / "keep").rename(resumed.checkpoints / "checkpoint-1")
    main()
    assert report(resumed).resumed_from == 1
    assert report(resumed).steps == 20
    assert [point.step for point in report(resumed).curve] == list(range(1, 21)), "the curve survives the restart"
    assert same(adapter(whole), adapter(resumed))


def test_a_finished_run_started_again_keeps_its_weights_and_trains_no_further(training_job):
    job = training_job()
    main()
    before = adapter(job)
    main()
    assert same(before, adapter(job))
    assert report(job).resumed_from == 20


def test_it_stops_itself_when_its_hours_are_used_up_and_reports_the_fraction(training_job, monkeypatch):
    job = training_job()
    monkeypatch.setattr("steps.train.__main__.STOP_MARGIN_SECONDS", 432000)
    main()
    done = report(job)
    assert done.stop_reason == "time limit"
    assert done.steps == 1
    assert done.fraction == pytest.approx(1 / 20)
    assert done.checkpoints == [1]


def test_used_up_hours_are_refused_with_the_parameter_to_raise(training_job):
    job = training_job()
    main()
    seal = load(job.checkpoints / "checkpoint-20" / SEAL, Seal)
    save(job.checkpoints / "checkpoint-20" / SEAL, seal.model_copy(update={"seconds_used": 3601}))
    with pytest.raises(Refused, match="MaxTrainingHours=1"):
        main()


def test_sigterm_saves_seals_and_leaves_the_adapter(training_job):
    job = training_job()
    plan = json.loads((job.channel("tokens") / "plan.json").read_text())
    (job.channel("tokens") / "plan.json").write_text(json.dumps(plan | {"steps": 100_000}))
    env = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    with subprocess.Popen(
        [sys.executable, "-m", "steps.train", "train"],
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        for line in process.stdout:
            if '"event": "train", "step": 3,' in line:
                process.send_signal(signal.SIGTERM)
        code = process.wait(60)
    failure = job.root / "output" / "failure"
    assert code == 0, failure.read_text() if failure.is_file() else "it left no reason"
    done = report(job)
    assert done.stop_reason == "signal"
    assert done.steps in done.checkpoints
    assert done.validation_loss is None, "there was no time to measure it, and no other number stands in for it"
    assert adapter(job)


def test_sigterm_between_the_rows_of_a_step_saves_the_last_whole_step(training_job, monkeypatch):
    job = training_job()
    accumulate(monkeypatch)
    calls = []

    def collate_and_terminate(rows):
        calls.append(1)
        if len(calls) == 9:  # two a step and one fetched ahead: the fourth step has begun
            os.kill(os.getpid(), signal.SIGTERM)
        return collate(rows)

    monkeypatch.setattr("steps.train.trainer.collate", collate_and_terminate)
    main()
    done = report(job)
    assert (done.stop_reason, done.steps) == ("signal", 3)
    assert 3 in done.checkpoints
    monkeypatch.undo()
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(job.root))
    main()
    assert (report(job).resumed_from, report(job).steps) == (3, 20)


def test_the_metric_definitions_read_the_real_output(training_job, capsys):
    training_job(LearningRate="0.000001")
    main()
    output = capsys.readouterr().out
    definitions = read(definition_text("igbo", "local")).step("TrainLora").arguments["AlgorithmSpecification"]
    found = {item["Name"]: re.findall(item["Regex"], output) for item in definitions["MetricDefinitions"]}
    assert set(found) == {"train:loss", "validation:loss", "train:tokens_per_second", "train:step"}
    assert found["train:step"] == [str(step) for step in range(1, 21)]
    assert all(0 < float(text) < 20 for name in ("train:loss", "validation:loss") for text in found[name])
    assert re.findall(
        definitions["MetricDefinitions"][0]["Regex"], '{"event": "train", "step": 1, "loss": 1.5e-05}'
    ) == ["1.5e-05"]


def test_an_unsealed_or_damaged_checkpoint_is_passed_over_by_name(training_job, capsys):
    job = training_job()
    main()
    weights = job.checkpoints / "checkpoint-20" / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-8])
    (job.checkpoints / "checkpoint-1" / SEAL).unlink()
    capsys.readouterr()
    main()
    output = capsys.readouterr().out
    assert re.search(r"checkpoint_skipped.*checkpoint-20.*bytes instead of", output)
    assert re.search(r'checkpoint_skipped.*checkpoint-1"?.*not sealed', output)
    assert report(job).resumed_from == 0


def test_another_run_can_be_resumed_through_its_channel(training_job):
    first = training_job("first")
    main()
    second = training_job("second")
    (second.channel("resume") / "none.json").unlink()
    (first.checkpoints / "checkpoint-1").rename(second.channel("resume") / "checkpoint-1")
    main()
    assert report(second).resumed_from == 1


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"LoraRank": "8"}, "lora_rank 4 instead of 8"),
        ({"Seed": "4"}, "seed 3 instead of 4"),
        ({"LoraTargets": "attention"}, "lora_targets all-linear instead of attention"),
    ],
)
def test_a_run_that_cannot_be_continued_is_refused_and_not_started_over(training_job, changes, says):
    first = training_job("first")
    main()
    second = training_job("second", **changes)
    (second.channel("resume") / "none.json").unlink()
    (first.checkpoints / "checkpoint-1").rename(second.channel("resume") / "checkpoint-1")
    with pytest.raises(Refused, match="ResumeFrom names a run that cannot be continued") as refused:
        main()
    assert says in str(refused.value)


def test_a_run_to_resume_without_any_checkpoint_is_refused(training_job):
    job = training_job()
    (job.channel("resume") / "none.json").unlink()
    with pytest.raises(Refused, match="no checkpoint in it"):
        main()


def accumulate(monkeypatch):
    """One row at a time and accumulation, as on a GPU."""
    monkeypatch.setattr("steps.train.trainer.rows_per_batch", lambda on_gpu, batching, per_step: 1)


def test_accumulating_rows_gives_the_same_losses_as_one_batch(training_job, monkeypatch):
    whole = training_job("whole")
    main()
    rows = training_job("rows")
    accumulate(monkeypatch)
    main()
    for one, other in zip(report(whole).curve, report(rows).curve, strict=True):
        assert other.loss == pytest.approx(one.loss, rel=1e-3)


@pytest.mark.parametrize("step", [3, 7, 10])
def test_an_accumulating_run_resumes_in_the_middle_of_an_epoch_to_the_same_weights(training_job, monkeypatch, step):
    accumulate(monkeypatch)
    monkeypatch.setattr("steps.train.__main__.EARLY_SAVE_SHARE", step / 20)
    whole = training_job("whole")
    main()
    resumed = training_job("resumed")
    resumed.checkpoints.mkdir()
    (whole.checkpoints / f"checkpoint-{step}").rename(resumed.checkpoints / f"checkpoint-{step}")
    main()
    assert report(resumed).resumed_from == step
    assert same(adapter(whole), adapter(resumed))


def test_a_checkpoint_of_other_shards_is_not_resumed(training_job):
    job = training_job()
    main()
    for name in ("checkpoint-1", "checkpoint-20"):
        seal = load(job.checkpoints / name / SEAL, Seal)
        tokens = seal.identity.tokens.model_copy(update={"max_length": 63})
        identity = seal.identity.model_copy(update={"tokens": tokens})
        save(job.checkpoints / name / SEAL, seal.model_copy(update={"identity": identity}))
    main()
    assert report(job).resumed_from == 0


def test_shards_of_another_tokenizer_are_refused(training_job):
    job = training_job()
    path = job.channel("tokens") / "fingerprint.json"
    save(path, load(path, TokenFingerprint).model_copy(update={"tokenizer_sha256": "0" * 64}))
    with pytest.raises(Refused, match="another tokenizer"):
        main()


def test_a_diverging_loss_stops_the_run_and_names_the_step(training_job):
    job = training_job()
    weights = job.channel("model") / "model" / "model.safetensors"
    from safetensors.torch import save_file

    tensors = load_file(weights)
    tensors["model.norm.weight"] = tensors["model.norm.weight"] * float("inf")
    save_file(tensors, weights, metadata={"format": "pt"})
    from steps.contract import MANIFEST, BaseModelManifest
    from steps.sums import list_files

    manifest = load(job.channel("model") / MANIFEST, BaseModelManifest)
    save(job.channel("model") / MANIFEST, manifest.model_copy(update={"files": list_files(job.channel("model"))}))
    with pytest.raises(Refused, match=r"loss nan .* step 1: training has diverged"):
        main()
    assert not (job.model / CANARY_REPORT).exists()


def test_a_full_disk_while_saving_leaves_no_sealed_checkpoint_and_fails(training_job, monkeypatch):
    """The disk fills up in the middle of the first save: the job fails, and what it left is not taken for a checkpoint."""
    job = training_job()
    import torch

    def full(*arguments, **options):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", full)
        with pytest.raises(OSError, match="No space left"):
            main()
    assert not list(job.checkpoints.rglob(SEAL))
    main()
    assert report(job).resumed_from == 0
    assert report(job).steps == 20


def test_a_disk_that_fills_up_while_the_seal_is_written_leaves_an_unsealed_checkpoint(training_job, monkeypatch):
    job = training_job()

    def full(path, report):
        path.with_name(f".{path.name}.partial").write_text("{")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("steps.train.checkpoints.save", full)
        with pytest.raises(OSError, match="No space left"):
            main()
    assert (job.checkpoints / "checkpoint-1" / "optimizer.pt").is_file()
    assert not (job.checkpoints / "checkpoint-1" / SEAL).exists()
    main()
    assert report(job).resumed_from == 0


def test_unknown_and_missing_hyperparameters_are_refused_together(training_job):
    training_job(nonsense="1", lora_targets_typo="x")
    with pytest.raises(Refused, match=r"nonsense.*lora_targets_typo"):
        main()


def test_started_without_a_job_it_says_what_it_needs(tmp_path, monkeypatch):
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))
    with pytest.raises(Refused, match="hyperparameters.json"):
        main()


def test_time_used_is_carried_across_restarts(training_job):
    job = training_job()
    main()
    first = load(job.checkpoints / "checkpoint-20" / SEAL, Seal).seconds_used
    started = time.monotonic()
    main()
    assert report(job).seconds_used >= first
    assert report(job).seconds_used <= first + time.monotonic() - started + 1
