"""However examples are put together, loss, gradients and the step they lead to are those of the sentences one by one."""

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from steps.batching import STRATEGIES
from steps.models import collate, labelled_only, load_base
from steps.shards import IGNORED, assemble

LENGTH = 96  # slots of a pack, and of a token-budget batch
LONGEST = 30
LENGTHS = st.lists(st.integers(2, LONGEST), min_size=1, max_size=8)
SLOW = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
NAMES = ("input_ids", "labels", "position_ids")


@pytest.fixture(scope="module")
def model(base_model):
    loaded, _ = load_base(base_model)
    return loaded


def random_examples(rng, lengths):
    return [(rng.integers(4, 300, size=length).tolist(), max(1, length // 2)) for length in lengths]


def item(rows, width):
    """One micro-batch, as TokenSplit gives it."""
    packs = [assemble(row, width, padding=3) for row in rows]
    return {name: np.stack([getattr(pack, name) for pack in packs]) for name in NAMES}


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


@pytest.mark.parametrize("logits", ["labelled", "all"])
@pytest.mark.parametrize("batching", STRATEGIES)
@SLOW
@given(lengths=LENGTHS, seed=st.integers(0, 1000))
def test_loss_and_gradient_norm_are_those_of_the_sentences_one_by_one(model, batching, logits, lengths, seed):
    examples = random_examples(np.random.default_rng(seed), lengths)
    alone = [summed_loss(model, collate([item([[one]], len(one[0]))]), use_cache=False) for one in examples]
    tokens = sum(len(ids) - prompt for ids, prompt in examples)
    together = []
    for batch in STRATEGIES[batching](lengths, LENGTH, LONGEST):
        inputs = collate([item([[examples[number] for number in row] for row in batch.rows], batch.width)])
        if logits == "labelled":
            inputs = labelled_only(inputs)
        together.append(model(**inputs, use_cache=False, num_items_in_batch=torch.tensor(tokens)).loss)
    assert sum(together).item() == pytest.approx(sum(alone).item() / tokens, rel=1e-5)
    one_by_one = gradient_norm(model, alone) / tokens
    assert gradient_norm(model, together) == pytest.approx(one_by_one, rel=1e-5)


@SLOW
@given(lengths=LENGTHS, seed=st.integers(0, 1000))
def test_padding_at_the_end_of_a_row_changes_nothing_though_no_mask_hides_it(model, lengths, seed):
    """Causal attention looks back only, and what comes last is seen by nobody."""
    (ids, prompt), *_ = random_examples(np.random.default_rng(seed), lengths)
    alone = model(**labelled_only(collate([item([[(ids, prompt)]], len(ids))])), use_cache=False)
    padded = model(**labelled_only(collate([item([[(ids, prompt)]], LENGTH)])), use_cache=False)
    torch.testing.assert_close(padded.logits, alone.logits, rtol=1e-5, atol=1e-5)
    assert padded.loss.item() == pytest.approx(alone.loss.item(), rel=1e-5)


def test_a_mask_of_ones_would_leak_across_sentences(model):
    """Why no attention mask is ever passed: with one, restarting positions are ignored without a warning."""
    batch = collate([item([random_examples(np.random.default_rng(1), [30, 30, 30])], LENGTH)])
    right = summed_loss(model, batch, use_cache=False).item()
    leaky = summed_loss(model, batch, use_cache=False, attention_mask=torch.ones_like(batch["input_ids"])).item()
    assert abs(leaky - right) > 1e-3 * right
