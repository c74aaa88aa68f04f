"""Checkpoints: nothing counts as one until it is proven whole, none is ever taken away, and a damaged one costs an interval."""

import json
import os
import random
import re
import shutil
import signal
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from steps.contract import ADAPTER_WEIGHTS, SEAL, Seal, TrainingReport, load, save
from steps.job import Refused
from steps.train import watch
from steps.train.__main__ import main
from steps.train.checkpoints import open_sealed, sealed_steps
from steps.train.contents import INCOMPLETE, validate
from tests.drill.tiny import write_hyperparameters

SAVED = [1, 8, 15, 20]  # with save_steps=7: one early, every seventh after it, and the last


def report(job):
    return load(job.model / "training.json", TrainingReport)


def adapter(job):
    return load_file(job.model / "adapter" / ADAPTER_WEIGHTS)


def same(first, second):
    return first.keys() == second.keys() and all(first[name].equal(second[name]) for name in first)


def contents(root):
    """Bytes of every file of every sealed checkpoint."""
    folders = [root / f"checkpoint-{step}" for step in sealed_steps(root)]
    return {path: path.read_bytes() for folder in folders for path in folder.iterdir()}


def terminate_at(monkeypatch, step):
    """SIGTERM comes when this step has been reported."""
    on_log = watch.Run.on_log

    def log_and_terminate(self, args, state, control, logs=None, **kwargs):
        on_log(self, args, state, control, logs=logs, **kwargs)
        if state.global_step == step:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(watch.Run, "on_log", log_and_terminate)


@pytest.fixture(scope="module")
def whole(base_model, tokens, tmp_path_factory):
    """The checkpoint folder of an unbroken run, its final adapter, and what its last checkpoint was expected to hold."""
    root = tmp_path_factory.mktemp("whole")
    channels = root / "input" / "data"
    (channels / "resume").mkdir(parents=True)
    (channels / "resume" / "none.json").write_text("{}")
    (channels / "model").symlink_to(base_model)
    (channels / "tokens").symlink_to(tokens)
    write_hyperparameters(root, save_steps="7")
    expected = []
    before = signal.getsignal(signal.SIGTERM)
    seal = watch.seal
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SAGEMAKER_BASE_DIR", str(root))
        patch.setattr(
            watch, "seal", lambda *given, **named: (expected.append(named["expected"]), seal(*given, **named))
        )
        main()
    signal.signal(signal.SIGTERM, before)
    return root / "checkpoints", load_file(root / "model" / "adapter" / ADAPTER_WEIGHTS), expected[-1]


@pytest.fixture
def checkpoint(whole, tmp_path):
    """A copy of the last checkpoint."""
    return Path(shutil.copytree(whole[0] / "checkpoint-20", tmp_path / "checkpoint-20"))


@pytest.fixture
def resumable(whole, training_job):
    """A job that finds a copy of the unbroken run's checkpoints up to a step."""

    def make(until=20):
        job = training_job(save_steps="7")
        for step in SAVED:
            if step <= until:
                shutil.copytree(whole[0] / f"checkpoint-{step}", job.checkpoints / f"checkpoint-{step}")
        return job

    return make


def change_adapter(change):
    def damage(folder):
        tensors = load_file(folder / ADAPTER_WEIGHTS)
        change(tensors, next(iter(tensors)))
        save_file(tensors, folder / ADAPTER_WEIGHTS)

    return damage


def change_pickled(name, change):
    def damage(folder):
        content = torch.load(folder / name, weights_only=True)
        change(content)
        torch.save(content, folder / name)

    return damage


def cut(name):
    return lambda folder: (folder / name).write_bytes((folder / name).read_bytes()[:-50])


def run_code(folder):
    class Code:
        def __reduce__(self):
            return os.mkdir, (str(folder / "was-run"),)

    torch.save(Code(), folder / "optimizer.pt")


def set_step(folder):
    state = json.loads((folder / "trainer_state.json").read_text())
    (folder / "trainer_state.json").write_text(json.dumps(state | {"global_step": 19}))


DAMAGE = {
    "an adapter that is cut": (cut(ADAPTER_WEIGHTS), r"adapter_model.safetensors cannot be read"),
    "an adapter that is not finite": (
        change_adapter(lambda tensors, name: tensors[name].view(-1)[3:4].fill_(float("nan"))),
        r"is not finite in base_model",
    ),
    "a tensor too few": (
        change_adapter(lambda tensors, name: tensors.pop(name)),
        r"holds 27 tensors where 28 are trained",
    ),
    "a tensor too many": (
        change_adapter(lambda tensors, name: tensors.update({"another": torch.zeros(1)})),
        r"holds 29 tensors where 28 are trained; see another",
    ),
    "a tensor of another shape": (
        change_adapter(lambda tensors, name: tensors.update({name: tensors[name][:-1].contiguous()})),
        r"in shape \(3, 64\) instead of \(4, 64\)",
    ),
    "an optimiser that is cut": (cut("optimizer.pt"), r"optimizer.pt cannot be read"),
    "an optimiser that is code": (run_code, r"optimizer.pt cannot be read"),
    "an optimiser that is something else": (
        change_pickled("optimizer.pt", lambda content: content.pop("state")),
        r"does not hold an optimiser's state",
    ),
    "a state too few": (
        change_pickled("optimizer.pt", lambda content: content["state"].pop(3)),
        r"holds 27 states where 28 tensors are trained",
    ),
    "a moment that is not finite": (
        change_pickled("optimizer.pt", lambda content: content["state"][5]["exp_avg_sq"].fill_(float("inf"))),
        r"is not finite in exp_avg_sq of tensor 5",
    ),
    "a moment of another shape": (
        change_pickled("optimizer.pt", lambda content: content["state"][5].update(exp_avg=torch.zeros(2, 2))),
        r"has exp_avg of tensor 5 in shape \(2, 2\)",
    ),
    "a scheduler of another step": (
        change_pickled("scheduler.pt", lambda content: content.update(last_epoch=7)),
        r"scheduler.pt is of step 7 \(last_epoch\) instead of 20",
    ),
    "a trainer's state of another step": (set_step, r"trainer_state.json is of step 19 \(global_step\) instead of 20"),
    "a trainer's state that is cut": (cut("trainer_state.json"), r"trainer_state.json cannot be read"),
    "an adapter's configuration that is cut": (cut("adapter_config.json"), r"adapter_config.json cannot be read"),
    "states of random numbers that are something else": (
        change_pickled("scheduler.pt", lambda content: None),
        r"rng_state.pth does not hold the states",
    ),
    "a mark that it is incomplete": (lambda folder: (folder / INCOMPLETE).touch(), r"marked as incomplete"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_checkpoint_is_refused_for(damage, checkpoint, whole):
    act, says = DAMAGE[damage]
    act(checkpoint)
    if damage.startswith("states of random"):
        shutil.copy(checkpoint / "scheduler.pt", checkpoint / "rng_state.pth")
    with pytest.raises(Refused, match=says):
        validate(checkpoint, 20, whole[2])
    assert not (checkpoint / "was-run").exists()


@pytest.mark.parametrize(
    "name",
    [ADAPTER_WEIGHTS, "adapter_config.json", "optimizer.pt", "scheduler.pt", "trainer_state.json", "rng_state.pth"],
)
def test_a_checkpoint_without_one_of_its_files_is_refused(name, checkpoint, whole):
    (checkpoint / name).unlink()
    with pytest.raises(Refused, match=f"checkpoint-20 lacks {name}"):
        validate(checkpoint, 20, whole[2])


def test_a_whole_checkpoint_is_accepted(checkpoint, whole):
    validate(checkpoint, 20, whole[2])
    assert open_sealed(checkpoint).seal.step == 20


def test_any_flipped_bit_in_any_file_is_found(checkpoint):
    """The seal's own numbers included: a step, a loss or the time used that changed would be believed."""
    choice = random.Random(5)
    files = sorted(checkpoint.iterdir())
    assert SEAL in [path.name for path in files]
    for path in files:
        content = path.read_bytes()
        for _ in range(60 if path.name == SEAL else 6):
            changed = bytearray(content)
            changed[choice.randrange(len(content))] ^= 1 << choice.randrange(8)
            if path.name == SEAL and changed.lower() == content.lower():
                continue  # 1E-05 is 1e-05
            path.write_bytes(changed)
            with pytest.raises(Refused, match="checkpoint-20 is damaged"):
                open_sealed(checkpoint)
        path.write_bytes(content)
    open_sealed(checkpoint)


def test_a_checkpoint_under_another_steps_name_is_refused(checkpoint):
    moved = checkpoint.rename(checkpoint.with_name("checkpoint-40"))
    with pytest.raises(Refused, match="checkpoint-40 has the seal of step 20"):
        open_sealed(moved)


def test_the_seal_is_the_last_file_to_appear(whole):
    for step in SAVED:
        folder = whole[0] / f"checkpoint-{step}"
        written = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
        assert written[SEAL] == max(written.values())
        assert {entry.path for entry in load(folder / SEAL, Seal).files} == written.keys() - {SEAL}


def test_no_checkpoint_is_ever_taken_away_or_written_over(training_job, monkeypatch):
    """Many saves and resumes: whatever was sealed after any process lies there byte for byte after all later ones."""
    job = training_job(save_steps="3")
    ever = {}
    for step in (2, 6, 7, 13, 13, None):
        with monkeypatch.context() as patch:
            if step:
                terminate_at(patch, step)
            main()
        now = contents(job.checkpoints)
        assert {path: now.get(path) for path in ever} == ever
        assert now.keys() >= ever.keys()
        ever = now
    assert report(job).checkpoints == sealed_steps(job.checkpoints)
    assert len(report(job).checkpoints) >= 8


def test_a_signal_just_after_a_save_does_not_write_that_checkpoint_again(training_job, monkeypatch):
    job = training_job(save_steps="7")
    monkeypatch.setattr("steps.train.trainer.rows_per_batch", lambda on_gpu, batching, per_step: 1)
    saved, on_save = [], watch.Run.on_save

    def save_and_terminate(self, args, state, control, **kwargs):
        on_save(self, args, state, control, **kwargs)
        saved.append(state.global_step)
        if state.global_step == 8:
            os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(watch.Run, "on_save", save_and_terminate)
    main()
    assert saved == [1, 8]
    assert (report(job).stop_reason, report(job).steps) == ("signal", 8)


@pytest.mark.parametrize("limit", ["1", "3"])
def test_a_limit_on_the_number_of_checkpoints_is_refused(training_job, limit):
    training_job(save_total_limit=limit)
    with pytest.raises(Refused, match=f"save_total_limit: .*must be null, not {limit}"):
        main()


def test_unsealed_and_damaged_checkpoints_are_passed_over_by_name(resumable, capsys):
    job = resumable()
    weights = job.checkpoints / "checkpoint-20" / ADAPTER_WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-8])
    (job.checkpoints / "checkpoint-15" / SEAL).unlink()
    main()
    output = capsys.readouterr().out
    assert re.search(r"checkpoint_skipped.*checkpoint-20.*bytes instead of", output)
    assert re.search(r'checkpoint_skipped.*checkpoint-15"?.*not sealed', output)
    assert report(job).resumed_from == 8


def test_a_deleted_checkpoint_costs_one_interval(resumable):
    job = resumable()
    shutil.rmtree(job.checkpoints / "checkpoint-20")
    (job.checkpoints / "checkpoint-15" / "optimizer.pt").unlink()
    main()
    assert report(job).resumed_from == 8


def test_a_half_written_folder_under_a_steps_name_ends_whole_and_sealed(resumable, whole):
    job = resumable(until=8)
    half = Path(shutil.copytree(whole[0] / "checkpoint-15", job.checkpoints / "checkpoint-15"))
    (half / SEAL).unlink()
    (half / INCOMPLETE).touch()
    (half / "optimizer.pt").write_bytes(b"half of it")
    (half / ".seal.json.partial").write_text("{")
    main()
    assert report(job).resumed_from == 8
    assert report(job).checkpoints == SAVED
    assert all(open_sealed(job.checkpoints / f"checkpoint-{step}") for step in SAVED)
    assert not (half / INCOMPLETE).exists()
    assert same(adapter(job), whole[1])


def test_an_old_seal_does_not_vouch_for_new_bytes(resumable, whole, monkeypatch):
    """A damaged checkpoint is written again, and that is cut short too: its old seal is still there."""
    job = resumable(until=15)
    damaged = job.checkpoints / "checkpoint-15"
    (damaged / "scheduler.pt").write_bytes(b"damaged")
    old = (damaged / SEAL).read_bytes()
    with monkeypatch.context() as patch:
        save_one = torch.save

        def fail_at_scheduler(content, path, *given, **named):
            if str(path).endswith("scheduler.pt"):
                raise OSError(28, "No space left on device")
            save_one(content, path, *given, **named)

        patch.setattr(torch, "save", fail_at_scheduler)
        with pytest.raises(Refused, match="checkpoint-15 cannot be written.*No space left"):
            main()
    assert (damaged / SEAL).read_bytes() == old
    with pytest.raises(Refused, match="damaged"):
        open_sealed(damaged)
    assert sealed_steps(job.checkpoints) == [1, 8]
    main()
    assert report(job).resumed_from == 8
    assert same(adapter(job), whole[1])


def test_a_full_disk_names_the_checkpoint_that_is_left(resumable):
    """A real write to a full device, in the middle of a save."""
    job = resumable(until=8)
    before = contents(job.checkpoints)
    (job.checkpoints / "checkpoint-15").mkdir()
    (job.checkpoints / "checkpoint-15" / "optimizer.pt").symlink_to("/dev/full")
    with pytest.raises(
        Refused, match=r"checkpoint-15 cannot be written: .* The checkpoint of step 8 is whole\. Make room"
    ):
        main()
    assert contents(job.checkpoints) == before
    assert not (job.checkpoints / "checkpoint-15" / SEAL).exists()


def test_a_disk_that_fills_up_while_the_seal_is_written_leaves_an_unsealed_checkpoint(training_job, monkeypatch):
    job = training_job()

    def full(path, report):
        path.with_name(f".{path.name}.partial").write_text("{")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("steps.train.sealing.save", full)
        with pytest.raises(Refused, match="checkpoint-1 cannot be written.*There is no earlier checkpoint"):
            main()
    assert (job.checkpoints / "checkpoint-1" / "optimizer.pt").is_file()
    assert not (job.checkpoints / "checkpoint-1" / SEAL).exists()
    main()
    assert report(job).resumed_from == 0


def test_a_folder_that_cannot_be_written_is_refused_before_the_model_is_loaded(training_job, capsys):
    job = training_job()
    job.checkpoints.write_text("not a folder")
    with pytest.raises(Refused, match="checkpoints cannot be written to"):
        main()
    assert '"event": "levers"' not in capsys.readouterr().out


def test_a_file_in_a_checkpoints_place_is_a_reason(training_job):
    job = training_job()
    job.checkpoints.mkdir()
    (job.checkpoints / "checkpoint-1").write_text("not a folder")
    with pytest.raises(Refused, match="checkpoint-1 cannot be written"):
        main()


def test_another_runs_checkpoints_are_not_written_over(resumable):
    job = resumable()
    for step in SAVED:
        path = job.checkpoints / f"checkpoint-{step}" / SEAL
        seal = load(path, Seal)
        tokens = seal.identity.tokens.model_copy(update={"max_length": 63})
        identity = seal.identity.model_copy(update={"tokens": tokens})
        save(path, seal.model_copy(update={"identity": identity}).stamped())
    before = contents(job.checkpoints)
    with pytest.raises(Refused, match="another run's: checkpoint-20 was made with other token shards"):
        main()
    assert contents(job.checkpoints) == before


def test_a_run_begun_by_another_saves_early_in_its_own_folder(training_job, whole):
    job = training_job(save_steps="7")
    (job.channel("resume") / "none.json").unlink()
    shutil.copytree(whole[0] / "checkpoint-8", job.channel("resume") / "checkpoint-8")
    main()
    assert report(job).checkpoints == [9, 16, 20]
    assert same(adapter(job), whole[1])
