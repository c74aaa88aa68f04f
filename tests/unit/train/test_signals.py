"""SIGTERM and SIGKILL: whenever they come, a whole checkpoint is left, and what goes on from it ends the same."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file

from steps.contract import ADAPTER_WEIGHTS, TrainingReport, load
from steps.models import collate
from steps.shards import TokenSplit
from steps.train.__main__ import main
from steps.train.checkpoints import open_sealed
from steps.train.stopping import Stopped, StopSignal


def report(job):
    return load(job.model / "training.json", TrainingReport)


def adapter(job):
    return load_file(job.model / "adapter" / ADAPTER_WEIGHTS)


def same(first, second):
    return first.keys() == second.keys() and all(first[name].equal(second[name]) for name in first)


def failure(job):
    path = job.root / "output" / "failure"
    return path.read_text() if path.is_file() else ""


def run_process(on_event):
    """The trainer as a process of its own; `on_event(process, event)` sees what it prints. Returns its exit code."""
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    with subprocess.Popen(
        [sys.executable, "-m", "steps.train", "train"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        for line in process.stdout:
            on_event(process, json.loads(line))
        return process.wait(60)


def plan_steps(job, steps):
    path = job.channel("tokens") / "plan.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"steps": steps}))


def lengthen_validation(job, times):
    """The same micro-batches over and over, which takes a trainer minutes to read."""
    shard = job.channel("tokens") / "validation" / "batches" / "00000.arrow"
    for number in range(1, times):
        shutil.copy(shard, shard.with_name(f"{number:05d}.arrow"))


@pytest.mark.parametrize("times", [1, 2])
def test_sigterm_in_training_saves_seals_and_leaves_the_adapter(training_job, times):
    """A second SIGTERM changes nothing."""
    job = training_job()
    plan_steps(job, 100_000)

    def at_step_3(process, event):
        if event["event"] == "train" and event["step"] == 3:
            process.send_signal(signal.SIGTERM)
        if event["event"] in ("stopping", "checkpoint_sealed") and event["step"] >= 3 and times == 2:
            process.send_signal(signal.SIGTERM)

    assert run_process(at_step_3) == 0, failure(job)
    done = report(job)
    assert done.stop_reason == "signal"
    assert done.steps in done.checkpoints
    assert done.fraction == pytest.approx(done.steps / 100_000)
    assert done.curve[-1].step == done.steps
    assert open_sealed(job.checkpoints / f"checkpoint-{done.steps}")
    assert done.validation_loss is None, "there was no time to measure it, and no other number stands in for it"
    assert done.validation_share == 0
    assert adapter(job)


def test_sigterm_in_the_last_validation_leaves_the_model_without_it(training_job):
    job = training_job()
    lengthen_validation(job, 3_000)

    def after_the_last_step(process, event):
        if event["event"] == "checkpoint_sealed" and event["step"] == 20:
            process.send_signal(signal.SIGTERM)

    assert run_process(after_the_last_step) == 0, failure(job)
    assert (report(job).steps, report(job).fraction, report(job).validation_loss) == (20, 1.0, None)
    assert adapter(job)


def terminate_in_validation(monkeypatch, pass_number, micro_batch):
    """SIGTERM comes when the validation split is read for the so-manieth time, at this micro-batch."""
    opened, read, passes = TokenSplit.__init__, TokenSplit.__getitem__, []
    done = []

    def open_split(self, folder, *given):
        opened(self, folder, *given)
        self.is_validation = folder.name == "validation"

    def read_one(self, number):
        if self.is_validation:
            passes.extend([1] if number == 0 else [])
            if len(passes) == pass_number and number == micro_batch:
                os.kill(os.getpid(), signal.SIGTERM)
            done.append((len(passes), number))
        return read(self, number)

    monkeypatch.setattr(TokenSplit, "__init__", open_split)
    monkeypatch.setattr(TokenSplit, "__getitem__", read_one)
    return done


def test_sigterm_in_a_validation_of_the_curve_ends_it_at_the_next_micro_batch_and_saves(training_job, monkeypatch):
    job = training_job(save_steps="100")
    lengthen_validation(job, 100)
    read = terminate_in_validation(monkeypatch, pass_number=2, micro_batch=30)
    main()
    assert read[-1] == (2, 30), "the rest of the 64 was not read, nor another validation begun"
    done = report(job)
    assert done.stop_reason == "signal"
    assert [step for step, _ in done.validation_curve] == [2], "half a validation is no point of the curve"
    assert done.steps == 5
    assert open_sealed(job.checkpoints / "checkpoint-5")


def test_sigterm_in_the_middle_of_the_last_validation_ends_it_at_once(training_job, monkeypatch):
    job = training_job()
    lengthen_validation(job, 100)
    read = terminate_in_validation(monkeypatch, pass_number=11, micro_batch=70)
    main()
    assert read[-1] == (11, 70)
    assert (report(job).steps, report(job).validation_loss, report(job).validation_share) == (20, None, 0.0)


def test_sigterm_while_the_model_is_loaded_ends_at_once_with_a_reason(training_job):
    job = training_job()

    def while_loading(process, event):
        if event["event"] == "started":
            process.send_signal(signal.SIGTERM)

    assert run_process(while_loading) == 1
    assert failure(job).startswith("SIGTERM came while the model was being loaded: nothing was trained")
    assert not list(job.checkpoints.glob("*")), "SIGTERM may come before the folder is made"
    assert run_process(lambda process, event: None) == 0
    assert report(job).steps == 20


def test_sigterm_ends_what_can_be_ended_at_once_even_when_it_came_before():
    stop = StopSignal()
    before = signal.getsignal(signal.SIGTERM)
    stop.install()
    try:
        with pytest.raises(Stopped), stop.ends_this():
            signal.raise_signal(signal.SIGTERM)
        assert stop
        signal.raise_signal(signal.SIGTERM)  # only a flag again
        with pytest.raises(Stopped), stop.ends_this():
            raise AssertionError("this was begun")
    finally:
        signal.signal(signal.SIGTERM, before)


def test_sigterm_between_the_rows_of_a_step_saves_the_last_whole_step(training_job, monkeypatch):
    job = training_job()
    monkeypatch.setattr("steps.train.trainer.rows_per_batch", lambda on_gpu, batching, per_step: 1)
    calls = []

    def collate_and_terminate(rows):
        calls.append(1)
        if len(calls) == 11:  # two for the isolation check, two a step, one fetched ahead: the fourth step has begun
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


def test_sigkill_costs_at_most_one_interval_and_the_weights_end_the_same(training_job):
    whole = training_job("whole", save_steps="4")
    main()
    job = training_job("killed", save_steps="4")
    reached = []

    def at_step_12(process, event):
        if event["event"] == "train":
            reached.append(event["step"])
            if event["step"] == 12:
                process.kill()

    assert run_process(at_step_12) == -signal.SIGKILL
    assert run_process(lambda process, event: None) == 0, failure(job)
    done = report(job)
    assert 0 <= max(reached) - 4 <= done.resumed_from
    assert (done.steps, done.stop_reason) == (20, "finished")
    assert same(adapter(whole), adapter(job))
    assert [point.step for point in done.curve] == list(range(1, 21))
    assert done.curve == report(whole).curve
