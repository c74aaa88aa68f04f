"""Numbers that lie: what is none stops the run with its batch on record, and what is logged is not inflated."""

import json
import math
import re

import pytest
import torch
from safetensors.torch import load_file, save_file

from steps import job as container
from steps.contract import ADAPTER_WEIGHTS, MANIFEST, BaseModelManifest, TrainingPlan, load, save
from steps.job import Refused
from steps.models import collate
from steps.sums import list_files
from steps.train import watch
from steps.train.__main__ import main
from steps.train.checkpoints import open_sealed, sealed_steps
from steps.train.nonfinite import has_finite_gradients
from steps.train.options import read_options
from steps.train.order import RunOrder
from steps.train.setup import prepare
from tests.drill.tiny import make_tokens


def change_base(job, change):
    """Change the base model's tensors, and its manifest with them."""
    weights = job.channel("model") / "model" / "model.safetensors"
    tensors = load_file(weights)
    change(tensors)
    save_file(tensors, weights, metadata={"format": "pt"})
    manifest = load(job.channel("model") / MANIFEST, BaseModelManifest)
    save(job.channel("model") / MANIFEST, manifest.model_copy(update={"files": list_files(job.channel("model"))}))


def bench_of(job):
    return prepare(read_options(container.hyperparameters()))


def poison(job):
    """Make one token's embedding infinite, so that the micro-batches it is in have a loss that is no number.

    Returns those micro-batches and the first step that reads one of them; it is not the first step, nor does the fixed
    batch hold one.
    """
    bench = bench_of(job)
    ids = [set(bench.train[number]["input_ids"].ravel().tolist()) for number in range(len(bench.train))]
    order = RunOrder(len(bench.train), 2 * bench.plan.steps, 3).slice(0, 2 * bench.plan.steps)
    clean = ids[0] | ids[1] | ids[order[0]] | ids[order[1]]
    token = min(set().union(*ids) - clean)
    change_base(job, lambda tensors: tensors["model.embed_tokens.weight"][token].fill_(float("inf")))
    bad = {number for number, found in enumerate(ids) if token in found}
    return bad, next(place // 2 + 1 for place, number in enumerate(order) if number in bad), order


def test_a_loss_that_is_no_number_stops_the_run_with_its_batch_on_record(training_job, capsys):
    job = training_job()
    bad, step, order = poison(job)
    assert step > 1
    with pytest.raises(Refused, match=rf"loss nan .* step {step}: training has diverged.*non-finite-step-{step}.json"):
        main()
    found = json.loads((job.checkpoints / f"non-finite-step-{step}.json").read_text())
    assert (found["step"], found["loss"]) == (step, "nan")
    assert found["grad_norm"] in ("nan", "inf")
    assert 0 < found["learning_rate"] <= 0.01
    rows = found["micro_batches"]
    assert [row["micro_batch"] for row in rows] == order[2 * step - 2 : 2 * step]
    bench = bench_of(job)
    for row in rows:
        assert row["examples"] == bench.train.examples(row["micro_batch"])
        if row["micro_batch"] in bad:
            assert row["loss"] == "nan"
        else:
            assert 0 < row["loss"] < 20, "measured before the step poisoned the weights"
    output = capsys.readouterr().out
    (said,) = [json.loads(line) for line in output.splitlines() if '"event": "non_finite"' in line]
    assert set(said["bad"]) == bad & set(said["micro_batches"])
    assert not re.search(rf'"event": "train", "step": {step}\b', output)


def test_nothing_poisoned_is_ever_sealed(training_job):
    job = training_job(save_steps="1")
    _, step, _ = poison(job)
    with pytest.raises(Refused, match="diverged"):
        main()
    assert sealed_steps(job.checkpoints) == list(range(1, step))
    for number in range(1, step):
        folder = job.checkpoints / f"checkpoint-{number}"
        assert math.isfinite(open_sealed(folder).seal.loss)
        assert all(tensor.isfinite().all() for tensor in load_file(folder / ADAPTER_WEIGHTS).values())
    with pytest.raises(Refused, match=f"step {step}: training has diverged"):
        main()


@pytest.mark.parametrize(
    ("step", "says", "kept"),
    [
        (11, r"checkpoint-11/adapter_model.safetensors is not finite", [1, 6]),
        (8, r"the validation loss is nan where the training loss was", [1, 6]),
        (20, r"the validation loss is nan where the training loss was", [1, 6, 11, 16]),
    ],
    ids=["in a save", "in a validation", "in the last step"],
)
def test_weights_that_became_infinite_are_not_sealed(training_job, monkeypatch, step, says, kept):
    """The loss of the step was still good; what its update made of the weights was not."""
    training_job(save_steps="5")
    on_step_end = watch.Run.on_step_end

    def spoil(self, args, state, control, **kwargs):
        if state.global_step == step:
            weights = next(weight for weight in self.bench.model.parameters() if weight.requires_grad)
            weights.data.fill_(float("inf"))
        return on_step_end(self, args, state, control, **kwargs)

    monkeypatch.setattr(watch.Run, "on_step_end", spoil)
    with pytest.raises(Refused, match=says):
        main()
    assert sealed_steps(container.checkpoint_dir()) == kept


def test_a_base_model_without_finite_losses_is_refused_at_its_first_step(training_job):
    job = training_job()
    change_base(job, lambda tensors: tensors["model.norm.weight"].fill_(float("inf")))
    with pytest.raises(Refused, match=r"loss nan .* step 1: training has diverged"):
        main()
    assert not list(job.checkpoints.glob("checkpoint-*"))


@pytest.mark.parametrize(
    ("gradient", "finite"), [(1.0, True), (float("nan"), False), (float("-inf"), False), (None, True)]
)
def test_a_gradient_that_is_no_number_is_seen(gradient, finite):
    model = torch.nn.Linear(3, 2)
    for weight in model.parameters():
        weight.grad = torch.ones_like(weight)
    if gradient is None:
        model.bias.grad = None
    else:
        model.bias.grad[1] = gradient
    assert has_finite_gradients(model) is finite


@pytest.fixture(scope="session")
def sixteen(base_model, tmp_path_factory):
    """Token shards of 16 micro-batches a step."""
    return make_tokens(base_model, tmp_path_factory.mktemp("sixteen"), repeats=8, TokensPerStep="1024", MaxSteps="3")


def logged(job, sixteen, capsys):
    """Loss and gradient norm of each step, as the run printed them."""
    for path in sixteen.iterdir():
        target = job.channel("tokens") / path.name
        if path.is_file():
            target.write_bytes(path.read_bytes())
        else:
            for shard in path.rglob("*.arrow"):
                (target / shard.relative_to(path)).write_bytes(shard.read_bytes())
    main()
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [(event["loss"], event["grad_norm"]) for event in events if event["event"] == "train"]


def test_loss_and_gradient_norm_of_sixteen_accumulated_micro_batches_are_those_of_one_batch(
    training_job, sixteen, monkeypatch, capsys
):
    """transformers 4.46 to 4.48 logged both sixteen times too big, so that clipping at 1.0 acted like 1/16."""
    together = logged(training_job("together"), sixteen, capsys)
    job = training_job("accumulated")
    monkeypatch.setattr("steps.train.trainer.rows_per_batch", lambda on_gpu, batching, per_step: 1)
    accumulated = logged(job, sixteen, capsys)
    assert len(accumulated) == len(together) == 3
    for one, other in zip(accumulated, together, strict=True):
        assert one == pytest.approx(other, rel=1e-4)

    plan = load(job.channel("tokens") / "plan.json", TrainingPlan)
    assert plan.micro_batches_per_step == 16
    bench = bench_of(job)
    items = [bench.train[number] for number in RunOrder(len(bench.train), 48, 3).slice(0, 16)]
    batch = collate(items)
    bench.model.train()
    logits = bench.model(input_ids=batch["input_ids"], position_ids=batch["position_ids"], use_cache=False).logits
    by_hand = torch.nn.functional.cross_entropy(
        logits[:, :-1].flatten(0, 1), batch["labels"][:, 1:].flatten(), ignore_index=-100
    )
    by_hand.backward()
    squares = [weight.grad.square().sum() for weight in bench.model.parameters() if weight.grad is not None]
    assert accumulated[0][0] == pytest.approx(by_hand.item(), rel=1e-5)
    assert accumulated[0][1] == pytest.approx(torch.stack(squares).sum().sqrt().item(), rel=1e-4)
