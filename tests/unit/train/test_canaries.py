"""The canaries: what CanaryTrain refuses, and that CanaryResume fails unless the very checkpoint arrived whole."""

import json
import shutil
import tarfile
import time
from dataclasses import replace

import pytest
from transformers import TrainingArguments

from steps.contract import SEAL, CanaryReport, Seal, TrainingPlan, load, save
from steps.job import Refused, hyperparameters
from steps.train.__main__ import main
from steps.train.canary import _refuse_unless_learning
from steps.train.limits import limits_of, passed_limits, remarks
from steps.train.measuring import project
from steps.train.options import read_options
from steps.train.trainer import MicroBatchTrainer


@pytest.fixture
def canary(training_job):
    """Runs CanaryTrain, then lays out CanaryResume's job with its record and its checkpoints."""

    def run():
        first = training_job("first", mode="canary-train")
        main()
        second = training_job("second", mode="canary-resume")
        with tarfile.open(second.channel("canary") / "model.tar.gz", "w:gz") as tar:
            tar.add(first.model / "canary.json", "canary.json")
        shutil.copytree(first.checkpoints, second.checkpoints)
        return first, second

    return run


def test_canary_train_records_its_step_loss_and_speed(training_job):
    job = training_job(mode="canary-train")
    main()
    report = load(job.model / "canary.json", CanaryReport)
    assert (report.start_step, report.end_step) == (0, 6)
    assert len(report.probe_losses) == 7
    assert report.probe_losses[-1] < report.probe_losses[0]
    assert report.tokens_per_second > 0
    assert report.peak_allocated_gib > 0
    assert (job.checkpoints / "checkpoint-6" / SEAL).is_file()


def test_canary_resume_continues_from_the_recorded_step_and_loss(canary):
    first, second = canary()
    main()
    before, after = (load(job.model / "canary.json", CanaryReport) for job in (first, second))
    assert after.start_step == before.end_step == 6
    assert after.end_step == 8
    assert after.probe_losses[0] == pytest.approx(before.probe_losses[-1], rel=1e-4)


def test_newer_checkpoints_of_its_own_retry_are_tolerated(canary):
    _, second = canary()
    main()
    main()
    assert load(second.model / "canary.json", CanaryReport).start_step == 6


def test_a_checkpoint_that_did_not_arrive_fails_the_canary(canary):
    _, second = canary()
    shutil.rmtree(second.checkpoints / "checkpoint-6")
    with pytest.raises(Refused, match=r"checkpoint-6 did not arrive.*CheckpointConfig"):
        main()


@pytest.mark.parametrize("name", ["adapter_model.safetensors", "optimizer.pt", "trainer_state.json"])
def test_a_file_that_did_not_arrive_fails_the_canary(canary, name):
    _, second = canary()
    (second.checkpoints / "checkpoint-6" / name).unlink()
    with pytest.raises(Refused, match=f"{name} is missing"):
        main()


def test_a_file_cut_short_fails_the_canary(canary):
    _, second = canary()
    path = second.checkpoints / "checkpoint-6" / "optimizer.pt"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(Refused, match=r"optimizer.pt has 100 bytes"):
        main()


def test_a_seal_that_did_not_arrive_fails_the_canary(canary):
    _, second = canary()
    (second.checkpoints / "checkpoint-6" / SEAL).unlink()
    with pytest.raises(Refused, match="not sealed"):
        main()


def test_the_checkpoint_of_another_run_fails_the_canary(canary):
    _, second = canary()
    path = second.checkpoints / "checkpoint-6" / SEAL
    seal = load(path, Seal)
    save(path, seal.model_copy(update={"seconds_used": seal.seconds_used + 1}).stamped())
    with pytest.raises(Refused, match="not the one CanaryTrain recorded"):
        main()


@pytest.mark.parametrize(
    "losses",
    [[1.0, 1.05, 1.1], [1.0, 1.0, 1.0], [3.53, 5.16, 11.14, 7.67, 7.13, 5.85, 5.80, 5.75, 5.72]],
    ids=["rising", "flat", "exploded and half-way back"],
)
def test_losses_that_do_not_fall_below_their_start_are_refused(losses):
    with pytest.raises(Refused, match="not learning"):
        _refuse_unless_learning(losses)


def test_a_falling_loss_passes():
    _refuse_unless_learning([1.1, 1.05, 1.0])


@pytest.fixture
def measured(training_job):
    """What a real CanaryTrain measured, and the limits of its options, for tests that lower one of them."""
    job = training_job(mode="canary-train")
    main()
    return load(job.model / "canary.json", CanaryReport), limits_of(read_options(hyperparameters()))


def test_a_canary_measures_what_the_long_run_will_spend_its_time_and_memory_on(measured):
    report, _ = measured
    assert 0 < report.step_seconds_p50 <= report.step_seconds_p95
    assert report.slots_per_second >= report.tokens_per_second > report.examples_per_second > 0
    assert 0 <= report.loader_wait_share < 1
    assert report.evaluation_seconds > 0
    assert report.checkpoint_seconds > 0
    assert report.achieved_tflops > 0
    assert 0 < report.evaluation_share < 1
    assert report.projected_usd == pytest.approx(report.projected_hours * 1.408, rel=0.1)


def test_the_log_has_every_measurement_for_a_job_that_leaves_no_model_behind(training_job, capsys):
    job = training_job(mode="canary-train", MaxCostUsd="0.01")
    make_long(job)
    with pytest.raises(Refused):
        main()
    events = [
        json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith('{"event": "canary"')
    ]
    saved = load(job.model / "canary.json", CanaryReport)
    assert [event["projected_usd"] for event in events] == [saved.projected_usd]


def test_a_checkpoint_takes_as_long_as_writing_and_sealing_together(training_job, monkeypatch):
    write = MicroBatchTrainer._save_checkpoint

    def slowly(*arguments, **named):
        time.sleep(0.4)
        write(*arguments, **named)

    monkeypatch.setattr(MicroBatchTrainer, "_save_checkpoint", slowly)
    job = training_job(mode="canary-train")
    main()
    assert load(job.model / "canary.json", CanaryReport).checkpoint_seconds >= 0.4


def make_long(job):
    """A plan of ten million steps, which no machine here does in time."""
    path = job.channel("tokens") / "plan.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"steps": 10_000_000}))


@pytest.mark.parametrize(
    ("limit", "message"),
    [
        ({"MaxTrainingHours": "0.01"}, r"hours over MaxTrainingHours \(0\.01\)"),
        ({"MaxCostUsd": "0.01"}, r"dollars over MaxCostUsd \(0\.01\)"),
        ({"max_runtime_seconds": "7200"}, r"hours over the platform's MaxRuntime less the margin \(1\.5\)"),
        ({"max_runtime_seconds": "7200", "stop_margin_minutes": "60"}, r"less the margin \(1\)"),
    ],
    ids=["hours", "dollars", "platform", "platform with a wider margin"],
)
def test_a_run_that_passes_a_limit_at_the_measured_speed_is_refused_after_its_report(training_job, limit, message):
    job = training_job(mode="canary-train", **({"MaxTrainingHours": "672", "MaxCostUsd": "100000"} | limit))
    make_long(job)
    with pytest.raises(Refused, match=rf"At the measured .* tokens/s .*{message}"):
        main()
    assert load(job.model / "canary.json", CanaryReport).projected_hours > 1.5


def test_a_run_within_all_limits_is_not_refused(measured):
    assert passed_limits(*measured) == []


def test_a_checkpoint_that_would_not_be_done_before_the_kill_is_refused(measured):
    report, limits = measured
    [problem] = passed_limits(report, replace(limits, checkpoint_seconds=report.checkpoint_seconds / 2))
    assert "120 s between SIGTERM and the end" in problem


def test_validation_that_takes_too_much_of_a_long_run_is_refused(measured):
    report, limits = measured
    strict = replace(limits, evaluation_share=report.evaluation_share / 2)
    assert passed_limits(report, strict) == []  # seconds of a run of seconds are nobody's trouble
    [problem] = passed_limits(report, replace(strict, worth_hours=0))
    assert "validation would take" in problem


def test_a_gpu_that_waits_for_its_data_is_refused(measured):
    report, limits = measured
    strict = replace(limits, waiting_share=report.loader_wait_share / 2, evaluation_share=1)
    assert passed_limits(report, strict) == []
    [problem] = passed_limits(report, replace(strict, worth_hours=0))
    assert "waiting for data" in problem


def test_memory_over_the_limit_is_refused_by_what_is_reserved(measured):
    report, limits = measured
    tight = report.model_copy(update={"memory_limit_gib": report.peak_reserved_gib})
    assert passed_limits(tight, limits) == []
    [problem] = passed_limits(report.model_copy(update={"memory_limit_gib": report.peak_reserved_gib / 2}), limits)
    assert "Lower PackLength" in problem


def test_more_than_the_peak_of_the_gpu_is_refused_as_a_measurement_that_cannot_be_true(measured):
    report, limits = measured
    impossible = report.model_copy(update={"peak_tflops": report.achieved_tflops / 1.01})
    [problem] = passed_limits(impossible, replace(limits, usd=0))
    assert "That cannot be true" in problem


def test_every_limit_that_was_passed_is_named_at_once(measured):
    report, limits = measured
    assert (
        len(passed_limits(report, replace(limits, usd=0, checkpoint_seconds=0, evaluation_share=0, worth_hours=0))) == 3
    )


def test_uneven_steps_are_worth_a_remark_and_no_refusal(measured):
    report, limits = measured
    uneven = report.model_copy(update={"step_seconds_p95": 3 * report.step_seconds_p50})
    assert passed_limits(uneven, limits) == []
    assert "steps are uneven" in remarks(uneven)[0]


def test_the_projection_is_steps_and_validations_and_checkpoints_at_the_plans_interval(training_job):
    job = training_job(mode="canary-train")
    plan = load(job.channel("tokens") / "plan.json", TrainingPlan)
    saving = plan.saving.model_copy(update={"minutes": 15, "steps": 10_000})
    plan = plan.model_copy(update={"steps": 3600, "saving": saving})
    options = read_options(hyperparameters())
    hours = project(plan, options, 1.0, 10.0, 20.0, validation_batches=128)
    assert hours.training == 1
    assert hours.validation == pytest.approx(
        (10 * 10 + 20) / 3600
    )  # ten for the curve, and twice as much for the whole split
    assert hours.saving == pytest.approx(6 * 20 / 3600)  # every quarter of an hour, one early, one last
    assert project(plan, options, 1.0, 10.0, 20.0, 64_000).validation == pytest.approx((10 * 10 + 600) / 3600)
    often = options.model_copy(update={"save_steps": 360})
    assert project(plan, often, 1.0, 10.0, 20.0, 128).saving == pytest.approx(12 * 20 / 3600)


def test_a_canary_trains_as_the_real_run_does_but_for_its_steps_and_its_constant_rate(training_job, monkeypatch):
    kept = []

    def keep(**arguments):
        kept.append(arguments)
        return TrainingArguments(**arguments)

    monkeypatch.setattr("steps.train.trainer.TrainingArguments", keep)
    for mode in ("canary-train", "train"):
        training_job(mode, mode=mode)
        main()
    canary, real = kept
    different = {name for name in real if real[name] != canary[name]}
    assert different == {"output_dir", "max_steps", "lr_scheduler_type", "warmup_steps"}
