"""A packed row and its sentences one by one give the same loss and gradient; the known leaks do not."""

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from steps.models import collate, load_base
from steps.shards import IGNORED, assemble

LENGTH = 96


@pytest.fixture(scope="module")
def model(base_model):
    loaded, _ = load_base(base_model)
    return loaded


def random_examples(rng, lengths):
    return [(rng.integers(4, 300, size=length).tolist(), max(1, length // 2)) for length in lengths]


def summed_loss(model, batch, **options):
    labels = batch["labels"][:, 1:].reshape(-1)
    inputs = {key: value for key, value in batch.items() if key != "labels"}
    logits = model(**inputs, **options).logits[:, :-1].flatten(0, 1)
    return torch.nn.functional.cross_entropy(logits, labels, ignore_index=IGNORED, reduction="sum")


def gradient_norm(model, losses):
    model.zero_grad()
    sum(losses).backward()
    return float(
        torch.linalg.vector_norm(torch.stack([p.grad.norm() for p in model.parameters() if p.grad is not None]))
    )


def rows(examples, length=LENGTH):
    pack = assemble(examples, length, padding=3)
    return collate([{name: getattr(pack, name)[None] for name in ("input_ids", "labels", "position_ids")}])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lengths=st.lists(st.integers(2, 30), min_size=1, max_size=3), seed=st.integers(0, 1000))
def test_packed_equals_one_by_one(model, lengths, seed):
    examples = random_examples(np.random.default_rng(seed), lengths)
    packed = summed_loss(model, rows(examples), use_cache=False)
    alone = [summed_loss(model, rows([example], len(example[0])), use_cache=False) for example in examples]
    assert packed.item() == pytest.approx(sum(alone).item(), rel=1e-5)
    assert gradient_norm(model, [packed]) == pytest.approx(gradient_norm(model, alone), rel=1e-4)


def test_a_mask_of_ones_would_leak_across_sentences(model):
    """Why no attention mask is ever passed: with one, restarting positions are ignored without a warning."""
    batch = rows(random_examples(np.random.default_rng(1), [30, 30, 30]))
    right = float(summed_loss(model, batch, use_cache=False))
    leaky = float(summed_loss(model, batch, use_cache=False, attention_mask=torch.ones_like(batch["input_ids"])))
    assert abs(leaky - right) > 1e-3 * right
