"""TrainLora as a job: it finishes, stops in time, survives being killed, and says honestly how far it came."""

import json
import re

import pytest
from safetensors.torch import load_file

from pipeline.cli.definition import definition_text
from pipeline.definition import read
from steps.contract import TokenFingerprint, TrainingReport, load, save
from steps.job import Refused, event
from steps.train.__main__ import main
from steps.train.curve import keeps_point, loss_points, pace_points


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


@pytest.fixture(scope="module")
def metric_definitions():
    """Name and regular expression of each metric, as the compiled definition gives them to the platform."""
    algorithm = read(definition_text("igbo", "local")).step("TrainLora").arguments["AlgorithmSpecification"]
    return {item["Name"]: item["Regex"] for item in algorithm["MetricDefinitions"]}


def test_the_metric_definitions_read_the_real_output(training_job, capsys, metric_definitions):
    training_job(LearningRate="0.000001")
    main()
    output = capsys.readouterr().out
    events = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    steps = [event for event in events if event["event"] == "train"]
    validations = [event for event in events if event["event"] == "validation"]
    found = {name: re.findall(regex, output) for name, regex in metric_definitions.items()}
    assert set(found) == {
        "train:loss",
        "train:grad_norm",
        "train:tokens_per_second",
        "train:step",
        "validation:loss",
    }
    for name in ("loss", "grad_norm", "tokens_per_second", "step"):
        assert [float(text) for text in found[f"train:{name}"]] == [event[name] for event in steps]
    assert [float(text) for text in found["validation:loss"]] == [event["loss"] for event in validations]
    assert len(steps) == 20
    assert len(validations) == 11, "ten of the curve and the last"
    assert any("e-" in json.dumps(event["learning_rate"]) for event in steps), "real output has exponents"


@pytest.mark.parametrize("number", [1e-05, 2.5e-10, 1.5e20, -3e-07, 0.25, 7])
def test_the_metric_definitions_read_numbers_with_exponents_whole(capsys, metric_definitions, number):
    event("train", step=3, loss=number, learning_rate=1e-06, grad_norm=number, tokens_per_second=number)
    event("validation", step=3, loss=number)
    event("canary", tokens_per_second=8.0, loss=9.0)
    event("non_finite", step=4, loss="nan", grad_norm="inf")
    output = capsys.readouterr().out
    for name, regex in metric_definitions.items():
        wanted = 3 if name == "train:step" else number
        assert [float(text) for text in re.findall(regex, output)] == [wanted], name


def test_of_several_processes_the_first_speaks_and_each_says_why_it_failed(capsys, monkeypatch):
    for rank in ("0", "1"):
        monkeypatch.setenv("RANK", rank)
        event("train", rank=rank)
        event("failed", rank=rank)
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [
        {"event": "train", "rank": "0"},
        {"event": "failed", "rank": "0"},
        {"event": "failed", "rank": "1"},
    ]


@pytest.mark.parametrize("total", [1, 999, 1_000, 1_001, 1_999, 152_000, 3_666_018])
def test_a_curve_has_about_a_thousand_points_with_the_first_and_the_last(total):
    kept = [step for step in range(1, total + 1) if keeps_point(step, total)]
    assert len(kept) <= 1_002
    assert len(kept) >= min(total, 500)
    assert (kept[0], kept[-1]) == (1, total)


def test_a_thinned_curve_survives_a_restart_and_keeps_its_last_point(training_job, monkeypatch):
    monkeypatch.setattr("steps.train.curve.POINTS", 5)
    whole = training_job("whole", save_steps="9")
    main()
    assert [point.step for point in report(whole).curve] == [1, 4, 8, 12, 16, 20]
    resumed = training_job("resumed", save_steps="9")
    resumed.checkpoints.mkdir()
    (whole.checkpoints / "checkpoint-10").rename(resumed.checkpoints / "checkpoint-10")
    main()
    assert report(resumed).curve == report(whole).curve
    assert [point.step for point in report(resumed).pace_curve] == [point.step for point in report(whole).curve]
    assert all(point.tokens_per_second > 0 and point.memory_gib > 0.01 for point in report(resumed).pace_curve)
    assert report(resumed).train_loss == report(whole).train_loss == report(whole).curve[-1].loss
    state = json.loads((resumed.checkpoints / "checkpoint-20" / "trainer_state.json").read_text())
    assert [row["step"] for row in state["log_history"] if "loss" in row] == [1, 4, 8, 12, 16, 20]
    assert same(adapter(whole), adapter(resumed))


def test_speed_and_memory_of_before_a_restart_stay_on_their_curve(training_job):
    whole = training_job("whole", save_steps="9")
    main()
    resumed = training_job("resumed", save_steps="9")
    resumed.checkpoints.mkdir()
    (whole.checkpoints / "checkpoint-10").rename(resumed.checkpoints / "checkpoint-10")
    main()
    assert report(resumed).pace_curve[:10] == report(whole).pace_curve[:10]
    assert report(resumed).pace_curve[10:] != report(whole).pace_curve[10:], "another process has another speed"


def test_a_history_of_before_speed_was_kept_has_losses_and_no_speed():
    rows = [{"step": 1, "loss": 1.0, "learning_rate": 0.1}, {"step": 2, "validation_loss": 1.0}]
    assert [point.step for point in loss_points(rows)] == [1]
    assert pace_points(rows) == []


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
        ({"LearningRate": "0.02"}, "learning_rate 0.01 instead of 0.02"),
        ({"LoraTargets": "attention"}, "lora_targets all-linear instead of attention"),
        ({"Levers": '{"lora_dropout": 0.1}'}, "lora_dropout 0.0 instead of 0.1"),
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
    monkeypatch.setattr("steps.train.real_run.EARLY_SAVE_SHARE", step / 20)
    whole = training_job("whole")
    main()
    resumed = training_job("resumed")
    resumed.checkpoints.mkdir()
    (whole.checkpoints / f"checkpoint-{step}").rename(resumed.checkpoints / f"checkpoint-{step}")
    main()
    assert report(resumed).resumed_from == step
    assert same(adapter(whole), adapter(resumed))


def test_shards_of_another_tokenizer_are_refused(training_job):
    job = training_job()
    path = job.channel("tokens") / "fingerprint.json"
    save(path, load(path, TokenFingerprint).model_copy(update={"tokenizer_sha256": "0" * 64}))
    with pytest.raises(Refused, match="another tokenizer"):
        main()


def test_unknown_and_missing_hyperparameters_are_refused_together(training_job):
    training_job(nonsense="1", lora_targets_typo="x")
    with pytest.raises(Refused, match=r"nonsense.*lora_targets_typo"):
        main()


def test_started_without_a_job_it_says_what_it_needs(tmp_path, monkeypatch):
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))
    with pytest.raises(Refused, match="hyperparameters.json"):
        main()


def test_a_checkpoint_beyond_the_plan_is_refused_and_not_called_finished(training_job):
    job = training_job()
    main()
    plan = json.loads((job.channel("tokens") / "plan.json").read_text())
    (job.channel("tokens") / "plan.json").write_text(json.dumps(plan | {"steps": 15}))
    with pytest.raises(Refused, match="step 20 and the plan has only 15"):
        main()
