"""Time and cost: the formula, the lost run's numbers, and a refusal that has every number."""

import pytest

from steps.budget import (
    ACHIEVED,
    Limits,
    estimate,
    flops_per_token,
    over_limits,
    read_limits,
    refuse_if_over,
    slots_of_run,
    uneven_shares,
)
from steps.contract import ModelShape
from steps.instances import TRAINING_INSTANCES
from steps.job import Refused
from steps.levers import Levers, read_levers
from steps.memory import matmul_parameters, memory_estimate

MISTRAL_7B = ModelShape(
    layers=32, hidden=4096, intermediate=14336, heads=32, kv_heads=8, head=128, vocabulary=32000, tied=False
)
PADDED = Levers(batching="padded", gradient_checkpointing="on", lora_dropout=0.05)
A10G = TRAINING_INSTANCES["ml.g5.xlarge"]
WEEK = Limits(training_hours=168, usd=237, platform_hours=168)


@pytest.fixture
def lost_run():
    """19,552,096 examples padded to 256, three epochs, activations recomputed, one A10G."""
    slots = slots_of_run(19_552_096, 97, PADDED, max_length=256, epochs=3)
    return estimate(slots, MISTRAL_7B, "ml.g5.xlarge", recompute=True, width=256)


def test_the_lost_run_needed_181_days_and_6100_dollars(lost_run):
    assert lost_run.tokens == 19_552_096 * 256 * 3
    assert lost_run.tokens / 4096 == pytest.approx(3_666_018)  # its own step count
    assert lost_run.hours_expected / 24 == pytest.approx(180.8, abs=0.5)
    assert lost_run.usd_expected == pytest.approx(6_108, rel=0.005)
    assert lost_run.hours_low < lost_run.hours_expected < lost_run.hours_high


def test_the_lost_run_is_refused_in_one_message_with_every_number(lost_run):
    memory = memory_estimate(MISTRAL_7B, A10G, PADDED, rank=16, targets="attention", slots=256, width=256)
    with pytest.raises(Refused) as refused:
        refuse_if_over(lost_run, memory, "ml.g5.xlarge", WEEK, "Lower Epochs.")
    said = str(refused.value)
    for number in ("181 days", "MaxTrainingHours is 168", "MaxCostUsd is 237", "MaxRuntime", "30 minutes before", "70"):
        assert number in said
    assert f"${lost_run.usd_expected:,.2f} expected" in said
    assert "15,016,009,728 token slots" in said
    assert len(said.encode()) < 1024, "the service cuts what is longer"


def test_a_run_that_fits_neither_memory_nor_time_is_told_both_at_once(lost_run):
    off = Levers(gradient_checkpointing="off")
    memory = memory_estimate(MISTRAL_7B, A10G, off, rank=16, targets="all-linear", slots=4096)
    with pytest.raises(Refused) as refused:
        refuse_if_over(lost_run, memory, "ml.g5.xlarge", WEEK, "Lower Epochs.")
    for part in ("4,096 token slots need", "181 days", "MaxCostUsd is 237"):
        assert part in str(refused.value)
    assert len(str(refused.value).encode()) < 1024


def test_the_expected_share_of_the_peak_is_what_the_lost_run_reached():
    flops = flops_per_token(MISTRAL_7B, recompute=True, width=256)
    assert 16 * 256 / 4.26 * flops / 70e12 == pytest.approx(ACHIEVED, abs=0.001)


def test_flops_of_a_token_are_the_stated_sum():
    weights, heads = matmul_parameters(MISTRAL_7B), 32 * 4096
    assert weights == pytest.approx(7.110e9, rel=1e-3)
    assert flops_per_token(MISTRAL_7B, recompute=False, width=1024) == 4 * weights + 12 * heads * 1024
    assert flops_per_token(MISTRAL_7B, recompute=True, width=1024) == 6 * weights + 16 * heads * 1024


def test_flops_agree_with_what_torch_counts_in_a_real_step():
    """Forward, and backward to the input through frozen weights, of one small decoder; counted by torch's own counter."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode
    from transformers import MistralConfig, MistralForCausalLM

    shape = ModelShape(layers=3, hidden=64, intermediate=192, heads=4, kv_heads=4, head=16, vocabulary=128, tied=False)
    config = MistralConfig(
        hidden_size=64,
        intermediate_size=192,
        num_hidden_layers=3,
        num_attention_heads=4,
        num_key_value_heads=4,
        vocab_size=128,
        sliding_window=None,
        attn_implementation="eager",  # the counter sees the products of attention only where they are written out
    )
    model = MistralForCausalLM(config).requires_grad_(False)
    inputs = torch.randn(1, 40, 64, requires_grad=True)
    with FlopCounterMode(display=False) as counter:
        model(inputs_embeds=inputs, use_cache=False).logits.sum().backward()
    assert counter.get_total_flops() / 40 == pytest.approx(flops_per_token(shape, recompute=False, width=40), rel=0.01)


def test_more_gpus_take_less_time_and_the_price_follows():
    one = estimate(10**9, MISTRAL_7B, "ml.g5.xlarge", recompute=False)
    four = estimate(10**9, MISTRAL_7B, "ml.g5.12xlarge", recompute=False)
    pair = estimate(10**9, MISTRAL_7B, "ml.g5.xlarge", recompute=False, hosts=2)
    assert four.hours_expected == pytest.approx(one.hours_expected / 4, rel=1e-3)
    assert four.usd_expected == pytest.approx(four.hours_expected * 7.09, rel=1e-3)
    assert pair.usd_expected == pytest.approx(one.usd_expected, rel=1e-3)
    assert "2 x ml.g5.xlarge" in pair.assumptions


def test_the_platforms_limit_counts_less_the_margin():
    plan = estimate(10**8, MISTRAL_7B, "ml.g5.xlarge", recompute=False)
    hours = plan.hours_high
    fits = Limits(training_hours=1000, usd=10_000, platform_hours=hours + 0.51)
    assert over_limits(plan, fits) == []
    assert len(over_limits(plan, Limits(training_hours=1000, usd=10_000, platform_hours=hours + 0.49))) == 1


@pytest.mark.parametrize(
    ("batching", "slots"), [("packed", 2_000_000 / 0.99), ("token-budget", 2_000_000 / 0.98), ("padded", 5_120_000)]
)
def test_slots_of_a_run_follow_from_the_batching(batching, slots):
    levers = Levers(batching=batching)
    assert slots_of_run(10_000, 100, levers, max_length=256, epochs=2) == pytest.approx(slots, abs=1)
    assert slots_of_run(10_000, 100, levers, max_length=256, epochs=2, max_slots=4096) == 4096


def test_micro_batches_must_be_shared_out_evenly_among_all_gpus():
    assert uneven_shares(8, "ml.g5.12xlarge", 2) == ""
    assert "multiple of 8" in uneven_shares(4, "ml.g5.12xlarge", 2)


def test_a_limit_that_is_not_a_number_is_named(monkeypatch):
    monkeypatch.setenv("MaxTrainingHours", "24")
    monkeypatch.setenv("MaxCostUsd", "100")
    assert read_limits() == Limits(training_hours=24, usd=100)
    monkeypatch.setenv("MaxRuntimeSeconds", "432000")
    monkeypatch.setenv("StopMarginMinutes", "45")
    assert read_limits() == Limits(training_hours=24, usd=100, platform_hours=120, margin_hours=0.75)
    monkeypatch.setenv("MaxRuntimeSeconds", "five days")
    with pytest.raises(Refused, match="five days"):
        read_limits()


def test_levers_that_exclude_each_other_are_refused_before_anything_is_planned():
    with pytest.raises(Refused, match="one shape.*Set batching to packed"):
        read_levers('{"compile": true, "batching": "token-budget"}')
