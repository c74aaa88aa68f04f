"""The canaries: what CanaryTrain refuses, and that CanaryResume fails unless the very checkpoint arrived whole."""

import json
import shutil
import tarfile

import pytest

from steps.contract import SEAL, CanaryReport, Seal, load, save
from steps.job import Refused
from steps.train.__main__ import main
from steps.train.canary import _refuse_unless_learning


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
    save(path, seal.model_copy(update={"seconds_used": seal.seconds_used + 1}))
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


def test_a_run_that_would_not_fit_its_hours_is_refused_with_the_measured_speed(training_job):
    job = training_job(mode="canary-train", MaxTrainingHours="0.01")
    path = job.channel("tokens") / "plan.json"
    plan = json.loads(path.read_text())
    path.write_text(json.dumps(plan | {"steps": 10_000_000}))
    with pytest.raises(Refused, match=r"measured .* tokens/s .* MaxTrainingHours \(0\.01\)"):
        main()
