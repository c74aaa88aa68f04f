"""The deadline: a run ends in time, with everything that belongs to ending, and says how far it came."""

from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file

from steps import job as container
from steps import models
from steps.contract import ADAPTER_WEIGHTS, SEAL, Seal, TrainingReport, load, save
from steps.job import Refused
from steps.models import mean_loss
from steps.train import clock, watch
from steps.train.__main__ import main
from steps.train.clock import EVALUATION_SECONDS, Clock, lost_seconds, set_clock
from steps.train.options import read_options
from steps.train.setup import load_adapter_weights, prepare
from steps.train.trainer import MicroBatchTrainer

HOUR = 3600.0


def report(job):
    return load(job.model / "training.json", TrainingReport)


def seal_of(job, step):
    return load(job.checkpoints / f"checkpoint-{step}" / SEAL, Seal)


@dataclass
class Time:
    """A clock that goes forward only when something is done: so long for a step, a save, a validation batch."""

    step: float
    save: float = 0.0
    batch: float = 0.0
    now: float = 1000.0
    trained_until: float = 0.0

    def patch(self, monkeypatch):
        monkeypatch.setattr("steps.train.clock.now", lambda: self.now)
        monkeypatch.setattr("steps.train.pace.time", SimpleNamespace(monotonic=lambda: self.now))
        train, seal, loss = MicroBatchTrainer.training_step, watch.seal, models.summed_loss

        def step(*given, **named):
            self.now += self.step
            self.trained_until = self.now
            return train(*given, **named)

        def save_one(*given, **named):
            self.now += self.save
            return seal(*given, **named)

        def read(model, item):
            self.now += self.batch
            return loss(model, item)

        monkeypatch.setattr(MicroBatchTrainer, "training_step", step)
        monkeypatch.setattr(watch, "seal", save_one)
        monkeypatch.setattr(models, "summed_loss", read)


def a_seal(whole, **changes):
    return whole.model_copy(update=changes)


@pytest.fixture
def seal(training_job):
    """A real seal, of step 20."""
    job = training_job("sealed")
    main()
    return seal_of(job, 20)


def test_a_restart_of_the_same_job_shares_its_limit_and_another_job_begins_anew(training_job, seal, monkeypatch):
    monkeypatch.setenv("TRAINING_JOB_NAME", "job-a")
    training_job(MaxTrainingHours="100", max_runtime_seconds=str(24 * HOUR))
    options = read_options(container.hyperparameters())
    used = a_seal(seal, job="job-a", job_seconds=20 * HOUR, seconds_used=50 * HOUR)
    same = set_clock(options, clock.now(), used, lost=HOUR)
    assert same.limit == pytest.approx((24 - 0.5 - 21) * HOUR)
    assert same.job_seconds == pytest.approx(21 * HOUR, abs=60)
    other = set_clock(options, clock.now(), a_seal(used, job="job-b"), lost=HOUR)
    assert other.limit == pytest.approx(23.5 * HOUR)
    assert other.job_seconds == pytest.approx(0, abs=60)
    assert same.run_seconds == pytest.approx(other.run_seconds, abs=60) == pytest.approx(51 * HOUR, abs=60)


def test_the_hours_of_the_whole_run_count_over_all_its_jobs(training_job, seal):
    training_job(MaxTrainingHours="100")
    options = read_options(container.hyperparameters())
    used = a_seal(seal, job="another", seconds_used=99 * HOUR)
    assert set_clock(options, clock.now(), used, lost=0).limit == pytest.approx(HOUR)


def test_a_kill_is_charged_one_save_interval_whichever_of_its_limits_is_shorter(seal):
    used = a_seal(seal, step=1000, seconds_used=2000.0)
    assert lost_seconds(used, save_seconds=900, save_steps=1000) == 900
    assert lost_seconds(used, save_seconds=900, save_steps=100) == 200


@given(step=st.floats(0, 1e4), limit=st.floats(0, 1e6), used=st.floats(0, 1e6))
def test_what_is_left_is_the_limit_less_the_time_of_this_process(step, limit, used):
    one = Clock(clock.now() - used, limit=limit)
    assert one.left == pytest.approx(limit - used, abs=1)
    assert Clock(clock.now()).left > step


@pytest.mark.parametrize("margin", ["0", "29", "-5"])
def test_a_margin_under_half_an_hour_is_refused(training_job, margin):
    training_job(stop_margin_minutes=margin)
    with pytest.raises(Refused, match="stop_margin_minutes: .*greater than or equal to 30"):
        main()


@pytest.mark.parametrize(
    "time",
    [Time(step=100), Time(step=300, save=40, batch=2), Time(step=60, save=200, batch=20), Time(step=900, batch=5)],
    ids=["quick saves", "slow steps", "slow saves and validations", "very slow steps"],
)
@pytest.mark.parametrize(
    "limit", [{"MaxTrainingHours": "1"}, {"max_runtime_seconds": "5400"}], ids=["hours", "platform"]
)
def test_it_ends_before_the_deadline_with_save_and_validation_but_not_much_before(
    training_job, monkeypatch, time, limit
):
    """Either limit leaves an hour: the platform's is an hour and a half, less the margin of thirty minutes."""
    job = training_job(**({"MaxTrainingHours": "100", "save_steps": "7"} | limit))
    began = time.now
    with monkeypatch.context() as patch:
        time.patch(patch)
        main()
    done = report(job)
    assert done.stop_reason == ("time limit" if done.steps < 20 else "finished")
    assert time.now - began <= HOUR
    assert 0 < done.fraction == done.steps / 20
    assert done.steps in done.checkpoints
    assert done.validation_loss is not None
    assert done.validation_share == 1
    assert (job.model / "adapter" / ADAPTER_WEIGHTS).is_file()
    if done.steps < 20:
        batches = len(done.validation_curve) + 1  # of few micro-batches here, so each reads the whole split
        room = time.step + 4 * (time.save + 10) + 2 * time.batch * 10 * batches
        assert time.trained_until - began + room + time.step >= HOUR - EVALUATION_SECONDS, "it did not stop for nothing"


def test_a_run_that_was_stopped_by_its_hours_goes_on_when_they_are_raised(training_job, monkeypatch):
    job = training_job(save_steps="7")
    with monkeypatch.context() as patch:
        Time(step=300).patch(patch)
        main()
    stopped = report(job)
    assert stopped.stop_reason == "time limit"
    assert stopped.curve[-1].step == stopped.steps
    write = job.root / "input" / "config" / "hyperparameters.json"
    write.write_text(write.read_text().replace('"MaxTrainingHours": "1"', '"MaxTrainingHours": "9"'))
    main()
    assert (report(job).resumed_from, report(job).steps) == (stopped.steps, 20)
    assert report(job).seconds_used > stopped.seconds_used


def reseal(job, step, **changes):
    path = job.checkpoints / f"checkpoint-{step}" / SEAL
    save(path, load(path, Seal).model_copy(update=changes).stamped())


@pytest.fixture
def killed(training_job, monkeypatch):
    """A job whose newest checkpoint is of step 8."""
    monkeypatch.setenv("TRAINING_JOB_NAME", "the job")
    job = training_job(save_steps="7", save_minutes="10", max_runtime_seconds=str(10 * HOUR))
    main()
    for step in (15, 20):
        (job.checkpoints / f"checkpoint-{step}" / SEAL).unlink()
    (job.model / "training.json").unlink()
    return job


@pytest.mark.parametrize("changes", [{"job_seconds": 9.5 * HOUR}, {"seconds_used": 0.99 * HOUR}], ids=["job", "run"])
def test_a_restart_without_time_left_leaves_the_model_of_its_newest_checkpoint(killed, changes):
    reseal(killed, 8, **changes)
    main()
    done = report(killed)
    assert (done.stop_reason, done.steps, done.resumed_from, done.fraction) == ("time limit", 8, 8, 0.4)
    trained = load_file(killed.model / "adapter" / ADAPTER_WEIGHTS)
    sealed = load_file(killed.checkpoints / "checkpoint-8" / ADAPTER_WEIGHTS)
    assert all(trained[name].equal(sealed[name]) for name in sealed)
    assert done.validation_loss is not None


def test_another_job_trains_on_where_the_first_ones_time_was_up(killed, monkeypatch):
    reseal(killed, 8, job_seconds=9.5 * HOUR)
    monkeypatch.setenv("TRAINING_JOB_NAME", "the step's retry")
    main()
    assert (report(killed).resumed_from, report(killed).steps) == (8, 20)
    assert seal_of(killed, 20).job == "the step's retry"
    assert seal_of(killed, 20).job_seconds < HOUR


def test_time_used_is_carried_across_restarts_with_what_a_kill_took(killed, monkeypatch):
    before = seal_of(killed, 8)
    assert before.job == "the job"
    charged = lost_seconds(before, 600, 7)
    with monkeypatch.context() as patch:
        Time(step=1).patch(patch)
        main()
    after = seal_of(killed, 20)
    assert charged > 0
    assert after.seconds_used == pytest.approx(before.seconds_used + charged + 12, abs=1e-6)
    assert after.job_seconds == pytest.approx(before.job_seconds + charged + 12, abs=1e-6)


def test_a_finished_run_is_charged_nothing(training_job, monkeypatch):
    job = training_job()
    main()
    used = seal_of(job, 20).seconds_used
    with monkeypatch.context() as patch:
        Time(step=1).patch(patch)
        main()
    assert report(job).seconds_used == pytest.approx(used, abs=1e-3)


def test_used_up_hours_of_another_run_are_refused_with_the_parameter_to_raise(training_job):
    first = training_job("first")
    main()
    reseal(first, 1, seconds_used=3601)
    second = training_job("second")
    (second.channel("resume") / "none.json").unlink()
    (first.checkpoints / "checkpoint-1").rename(second.channel("resume") / "checkpoint-1")
    with pytest.raises(Refused, match="MaxTrainingHours=1"):
        main()


def test_a_platform_limit_that_leaves_no_time_is_refused(training_job):
    training_job(max_runtime_seconds="1800")
    with pytest.raises(Refused, match=r"stops 30 minutes before the platform's limit of 0.5 hours"):
        main()


def test_the_last_validation_ends_when_its_time_is_over_and_says_on_how_much_it_is(training_job, monkeypatch, capsys):
    job = training_job(MaxTrainingHours="100")
    batches = 4
    with monkeypatch.context() as patch:
        Time(step=1, batch=EVALUATION_SECONDS / (batches - 0.5)).patch(patch)
        main()
    done = report(job)
    bench = prepare(read_options(container.hyperparameters()))
    load_adapter_weights(bench.model, job.checkpoints / "checkpoint-20")
    assert len(bench.validation) > batches
    assert done.validation_loss == pytest.approx(mean_loss(bench.model, bench.validation, limit=batches))
    assert done.validation_share == pytest.approx(batches / len(bench.validation), abs=1e-4)
    assert f"on {done.validation_share:.0%} of the split" in capsys.readouterr().out
