"""Two processes train as one: the same losses, checkpoints that either can go on from, a stop that saves."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.torch import load_file

from steps.contract import SEAL, TrainingReport, load
from steps.job import Refused
from steps.train import launch, ranks
from steps.train.__main__ import main

LAUNCHER = (  # as on a host with two GPUs, which this one lacks
    "from steps import job; from steps.train import __main__, launch; "
    "launch.processes_here = lambda: 2; job.run(__main__.main)"
)
BY_LAUNCHER = [sys.executable, "-c", LAUNCHER]
BY_TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]


def start(command):
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd()), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    )


def run_to_its_end(command):
    with start(command) as process:
        output = process.stdout.read()
    assert process.returncode == 0, output[-3000:]
    return output


def outcome(job):
    return load(job.model / "training.json", TrainingReport), load_file(job.model / "adapter/adapter_model.safetensors")


def assert_same_run(one, other):
    (report, weights), (its_report, its_weights) = outcome(one), outcome(other)
    assert [point.step for point in its_report.curve] == [point.step for point in report.curve]
    assert [point.loss for point in its_report.curve] == pytest.approx([point.loss for point in report.curve], rel=1e-5)
    assert its_report.validation_loss == pytest.approx(report.validation_loss, rel=1e-5)
    assert its_report.checkpoints == report.checkpoints
    assert weights.keys() == its_weights.keys()
    for name, tensor in weights.items():
        assert its_weights[name].allclose(tensor, rtol=1e-3, atol=5e-4), name  # a rate of 0.01 over 20 steps


def test_two_processes_give_the_losses_and_checkpoints_of_one_and_each_goes_on_from_the_others(training_job):
    alone = training_job("alone", save_steps="7")
    main()
    together = training_job("together", save_steps="7")
    output = run_to_its_end(BY_LAUNCHER)
    assert '"processes": 2' in output
    assert outcome(together)[0].checkpoints == [1, 8, 15, 20], "one of each, whoever saved"
    assert_same_run(alone, together)

    by_one = training_job("by one", save_steps="7")
    shutil.copytree(together.checkpoints / "checkpoint-8", by_one.checkpoints / "checkpoint-8")
    main()
    assert outcome(by_one)[0].resumed_from == 8

    by_two = training_job("by two", save_steps="7")
    shutil.copytree(alone.checkpoints / "checkpoint-8", by_two.checkpoints / "checkpoint-8")
    run_to_its_end([*BY_TORCHRUN, "-m", "steps.train", "train"])
    assert outcome(by_two)[0].resumed_from == 8
    for resumed in (by_one, by_two):
        (report, weights), (whole, whole_weights) = outcome(resumed), outcome(alone)
        assert [p.loss for p in report.curve] == pytest.approx([p.loss for p in whole.curve], rel=1e-5)
        assert all(weights[name].allclose(tensor, rtol=1e-3, atol=5e-4) for name, tensor in whole_weights.items())


def test_sigterm_to_the_launcher_lets_both_processes_save_and_ends_well(training_job):
    job = training_job()
    plan = job.channel("tokens") / "plan.json"
    plan.write_text(json.dumps(json.loads(plan.read_text()) | {"steps": 100_000}))
    with start(BY_LAUNCHER) as process:
        output = []
        for line in process.stdout:
            output.append(line)
            if '"event": "train", "step": 3,' in line:
                process.send_signal(signal.SIGTERM)
        code = process.wait(60)
    assert code == 0, "".join(output)[-3000:]
    report, weights = outcome(job)
    assert report.stop_reason == "signal"
    assert report.steps in report.checkpoints
    assert (job.checkpoints / f"checkpoint-{report.steps}" / SEAL).is_file()
    assert weights


def test_a_process_that_fails_ends_the_job_with_its_own_reason(training_job):
    job = training_job(LoraTargets="attention", Levers='{"compile": true}')
    with start(BY_LAUNCHER) as process:
        output = process.stdout.read()
    assert process.returncode == 1, output[-3000:]
    assert (job.root / "output" / "failure").read_text().startswith("compile=true is for GPUs")


def test_a_step_that_cannot_be_shared_evenly_is_refused_with_the_parameter_to_change(training_job, monkeypatch):
    training_job()
    monkeypatch.setattr(ranks, "count", lambda: 3)
    monkeypatch.setattr(ranks, "agree", lambda device, *wishes: list(wishes))
    with pytest.raises(Refused, match=r"2 micro-batches cannot be shared evenly by 3 processes: set TokensPerStep"):
        main()


@pytest.mark.parametrize(
    ("found", "gpus", "launches"), [(["algo-1"], 1, False), (["algo-1"], 4, True), (["algo-2", "algo-1"], 1, True)]
)
def test_hosts_come_from_the_platform_and_a_launcher_only_where_there_is_more_than_one_process(
    training_job, found, gpus, launches
):
    job = training_job()
    config = {"current_host": found[-1], "hosts": found, "network_interface_name": "eth0"}
    (job.root / "input" / "config" / "resourceconfig.json").write_text(json.dumps(config))
    hosts = launch.read_hosts()
    assert hosts == launch.Hosts(sorted(found), "algo-1", "eth0")
    assert hosts.number == 0
    assert launch.needs_launch(hosts, gpus) is launches


def test_a_process_that_torchrun_started_launches_nothing(monkeypatch):
    monkeypatch.setenv("LOCAL_RANK", "0")
    assert not launch.needs_launch(launch.Hosts(["a", "b"], "a"), 8)


@pytest.mark.parametrize("text", ["{", '{"hosts": ["algo-1"]}', '{"hosts": ["algo-1"], "current_host": "algo-2"}'])
def test_hosts_that_cannot_be_read_are_refused(training_job, text):
    job = training_job()
    (job.root / "input" / "config" / "resourceconfig.json").write_text(text)
    with pytest.raises(Refused, match=r"hosts of this job from resourceconfig\.json"):
        launch.read_hosts()


def test_without_such_a_file_there_is_one_host(training_job):
    training_job()
    assert launch.read_hosts() == launch.Hosts(["localhost"], "localhost")
