"""A step of the real trainer equals its sentences one by one, however they are batched and accumulated."""

import json
from itertools import count

import numpy as np
import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from steps.batching import STRATEGIES
from steps.contract import PLAN
from steps.models import load_base, mean_loss
from steps.prompt import Prompter, load_tokenizer
from steps.shards import IGNORED, TokenSplit, assemble
from steps.tokenize.write import TokenisedSplit, write_split
from steps.train import trainer as training
from steps.train.clock import Clock, now
from steps.train.options import read_options
from steps.train.order import RunOrder
from steps.train.setup import prepare
from steps.train.stopping import StopSignal
from steps.train.watch import Run
from tests.drill.tiny import HYPERPARAMETERS

LENGTH = 96  # slots of a pack, and of a token-budget batch
LONGEST = 40  # tokens of a sentence
RATE = float(HYPERPARAMETERS["LearningRate"])
LENGTHS = st.lists(st.integers(2, LONGEST), min_size=4, max_size=10)
FEW = settings(max_examples=3, deadline=None, phases=[Phase.explicit, Phase.generate])  # a run each: no shrinking


@pytest.fixture(scope="module")
def one_step(base_model, tokens, tmp_path_factory):
    """Trains one optimiser step of four micro-batches of random sentences, by the trainer and one by one."""
    number = count()

    def run(lengths, seed, batching, at_once, logits="labelled"):
        root = tmp_path_factory.mktemp(f"step{next(number)}")
        job = _lay_out(root, base_model, tokens, lengths, seed, batching)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SAGEMAKER_BASE_DIR", str(job))
            options = read_options(HYPERPARAMETERS | {"Levers": json.dumps({"batching": batching, "logits": logits})})
            bench, reference = prepare(options), prepare(options)
            patch.setattr(training, "rows_per_batch", lambda *_: at_once)
            for one in (bench, reference):
                _stir(one.model)
            watched = Run(options, bench, job / "checkpoints", 1, StopSignal(), Clock(now()))
            training.train(watched, None, constant_rate=True)
            (logged,) = [row for row in watched.history if "loss" in row]
            order = RunOrder(len(bench.train), 4, options.seed).slice(0, 4)
            expected = _step_one_by_one(reference.model, bench.train, order, options.learning_rate)
        return (logged["loss"], logged["grad_norm"], _weights(bench.model)), expected

    return run


def _lay_out(root, base_model, tokens, lengths, seed, batching):
    """A job whose training split holds pairs of random sentences of the given lengths, both directions of each."""
    (root / "input" / "data").mkdir(parents=True)
    (root / "input" / "data" / "model").symlink_to(base_model)
    shards = root / "input" / "data" / "tokens"
    shards.mkdir()
    for path in tokens.iterdir():
        if path.name not in ("train", PLAN):
            (shards / path.name).symlink_to(path)
    plan = json.loads((tokens / PLAN).read_text())
    (shards / PLAN).write_text(json.dumps(plan | {"micro_batches_per_step": 4, "steps": 1}))
    rng = np.random.default_rng(seed)
    first, second = ([rng.integers(4, 300, size=length).tolist() for length in lengths] for _ in range(2))
    overhead = _prompter(base_model).overhead(0)
    numbers = list(range(2 * len(lengths)))
    split = TokenisedSplit(first, second, numbers, [2 * lengths[number // 2] + overhead for number in numbers], 0)
    write_split(shards / "train", split, batching, LENGTH, 2 * LONGEST + overhead)
    return root


def _prompter(base_model):
    return Prompter.of(load_tokenizer(base_model / "tokenizer"), ("en", "ig"))


def _stir(model):
    """Adapters start at zero, where half of the gradients are zero too."""
    generator = torch.Generator().manual_seed(1)
    for name, weight in model.named_parameters():
        if "lora_B" in name:
            weight.data = 0.1 * torch.randn(weight.shape, generator=generator)


def _weights(model):
    return torch.cat([weight.detach().flatten() for weight in model.parameters() if weight.requires_grad])


def _step_one_by_one(model, split, order, rate):
    """Loss, gradient norm and weights after one step of AdamW over the same examples, each alone in its own row."""
    examples = [split._example(number) for index in order for number in split.examples(index)]
    tokens = sum(len(ids) - prompt for ids, prompt in examples)
    total = 0.0
    for one in examples:
        loss = _summed_loss(model, one) / tokens
        loss.backward()
        total += loss.item()
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    norm = torch.nn.utils.clip_grad_norm_(trained, 1.0).item()
    torch.optim.AdamW(trained, lr=rate, weight_decay=0.0).step()
    return total, norm, _weights(model)


def _summed_loss(model, example):
    """Of one example in a row of its own, by plain PyTorch over all its logits."""
    row = assemble([example], len(example[0]), padding=3)
    logits = model(input_ids=torch.from_numpy(row.input_ids)[None], use_cache=False).logits[0, :-1]
    return torch.nn.functional.cross_entropy(
        logits, torch.from_numpy(row.labels)[1:], ignore_index=IGNORED, reduction="sum"
    )


def assert_same_step(got, expected):
    (loss, norm, weights), (right_loss, right_norm, right_weights) = got, expected
    assert loss == pytest.approx(right_loss, rel=1e-5)
    assert norm == pytest.approx(right_norm, rel=1e-5)
    # Adam's first step is the rate times the sign of a gradient, so one that is nearly zero may fall short of it
    difference = (weights - right_weights).abs()
    assert difference.mean() < 1e-4 * RATE
    assert difference.max() < 0.5 * RATE


@pytest.mark.parametrize("accumulation", [1, 2, 4])
@pytest.mark.parametrize("batching", ["packed", "padded"])
@FEW
@given(lengths=LENGTHS, seed=st.integers(0, 1000))
def test_a_step_of_the_trainer_is_that_of_its_sentences_however_it_accumulates(
    one_step, batching, accumulation, lengths, seed
):
    assert_same_step(*one_step(lengths, seed, batching, 4 // accumulation))


@pytest.mark.parametrize(("batching", "logits"), [("token-budget", "labelled"), ("packed", "all")])
@FEW
@given(lengths=LENGTHS, seed=st.integers(0, 1000))
def test_a_step_is_the_same_with_ragged_batches_and_with_all_logits(one_step, batching, logits, lengths, seed):
    assert_same_step(*one_step(lengths, seed, batching, 1, logits))


def test_the_validation_loss_does_not_depend_on_the_batching(base_model, tokens, tmp_path):
    model, _ = load_base(base_model)
    lengths = np.random.default_rng(0).integers(2, LONGEST, size=9).tolist()
    losses = []
    for batching in STRATEGIES:
        root = _lay_out(tmp_path / batching, base_model, tokens, lengths, 0, batching)
        losses.append(mean_loss(model, TokenSplit(root / "input/data/tokens/train", _prompter(base_model))))
    assert losses == pytest.approx([losses[0]] * len(losses), rel=1e-5)
