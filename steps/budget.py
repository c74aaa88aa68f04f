"""How long a run takes and what it costs, from stated assumptions, and the refusal of one that does not fit.

FLOPs of a token slot, with N the weights it is multiplied with, d the width of all heads and w the slots it attends to:

    4 N + 12 L w d    kept activations: 2 N forward, 2 N for the gradient of the input; frozen weights need none of their own.
                      Attention is 4 w d a layer forward (queries with keys, weights with values) and twice that backward,
                      since both sides of each product need a gradient. A dense mask is counted whole, as it is computed.
    6 N + 16 L w d    recomputed activations: the forward part once more

Adapters (under 1 % of N at rank 16) and what is saved where no logits are needed (1 %) are left out. A well-fed GPU reaches
45 to 65 % of its dense bf16 peak. In between lies what the lost run reached on an A10G, by its own progress bar: 4.26 s a
step of 16 x 256 slots, 41.5 TFLOPS of 70.
"""

from __future__ import annotations

from dataclasses import dataclass

from steps import job
from steps.contract import CorpusManifest, Estimate, MemoryEstimate, ModelShape
from steps.instances import TRAINING_INSTANCES
from steps.job import Refused
from steps.levers import Levers
from steps.memory import matmul_parameters, too_big

STOP_MARGIN_SECONDS = 1800  # before the platform's limit, whose clock starts before this program does
ACHIEVED_LOW, ACHIEVED, ACHIEVED_HIGH = 0.45, 0.593, 0.65
TOKENS_PER_WORD = {"en": 1.4, "ig": 2.8}  # Mistral's tokenizer on news text
DEAREST = max(TOKENS_PER_WORD.values())  # of a language that was not measured
PROMPT_TOKENS = 10
FILL = {"packed": 0.99, "token-budget": 0.98}  # share of slots with a real token, measured on news text


@dataclass(frozen=True)
class Limits:
    """What a run may take. `platform_hours` is MaxRuntime, None where it is not known; training stops a margin before it."""

    training_hours: float
    usd: float
    platform_hours: float | None = None
    margin_hours: float = STOP_MARGIN_SECONDS / 3600


def read_limits() -> Limits:
    """The limits that a definition passed to this processing step. Raises Refused for one that is missing or not a number."""
    seconds = job.setting("MaxRuntimeSeconds", "none")
    try:
        return Limits(
            training_hours=float(job.parameter("MaxTrainingHours")),
            usd=float(job.parameter("MaxCostUsd")),
            platform_hours=None if seconds == "none" else float(seconds) / 3600,
            margin_hours=float(job.setting("StopMarginMinutes", str(STOP_MARGIN_SECONDS / 60))) / 60,
        )
    except ValueError as error:
        raise Refused(f"MaxRuntimeSeconds or StopMarginMinutes is not a number: {error}") from error


def tokens_per_example(corpus: CorpusManifest) -> float:
    """Mean length of one direction of a pair with its prompt, guessed from word counts before anything is tokenised."""
    words = sum(count * TOKENS_PER_WORD.get(code, DEAREST) for code, count in corpus.words.items())
    return words / corpus.pairs + PROMPT_TOKENS


def slots_of_run(
    examples: float, mean_length: float, levers: Levers, *, max_length: int, epochs: float, max_slots: int = 0
) -> int:
    """Token slots of a run, before the examples are tokenised. `max_slots` is MaxSteps in slots; 0 leaves it to the epochs.

    Padded batches give every example `max_length` slots, whatever its length.
    """
    each = max_length if levers.batching == "padded" else mean_length / FILL[levers.batching]
    slots = examples * each * epochs
    return int(min(slots, max_slots) if max_slots else slots)


def flops_per_token(shape: ModelShape, *, recompute: bool, width: int = 0) -> float:
    """FLOPs of one token slot that attends to `width` slots; see the top of this file."""
    attention = shape.layers * width * shape.heads * shape.head
    return (6 if recompute else 4) * matmul_parameters(shape) + (16 if recompute else 12) * attention


def estimate(
    slots: int, shape: ModelShape, instance_type: str, *, recompute: bool, hosts: int = 1, width: int = 0
) -> Estimate:
    """Hours and dollars for training on `slots` token slots, padding included, in rows of `width` slots."""
    machine = TRAINING_INSTANCES[instance_type]
    flops = flops_per_token(shape, recompute=recompute, width=width)
    peak = hosts * machine.total_tflops * 1e12 / flops
    price = hosts * machine.usd_per_hour
    slow, fair, fast = (slots / (peak * share) / 3600 for share in (ACHIEVED_LOW, ACHIEVED, ACHIEVED_HIGH))
    each = f"{hosts} x {instance_type}" if hosts > 1 else instance_type
    return Estimate(
        tokens=slots,
        flops_per_token=flops,
        usd_per_hour=price,
        tokens_per_second_low=round(peak * ACHIEVED_LOW, 1),
        tokens_per_second_high=round(peak * ACHIEVED_HIGH, 1),
        hours_low=round(fast, 4),
        hours_expected=round(fair, 4),
        hours_high=round(slow, 4),
        usd_low=round(fast * price, 4),
        usd_expected=round(fair * price, 4),
        usd_high=round(slow * price, 4),
        assumptions=(
            f"{each} ({machine.gpu}), {ACHIEVED_LOW:.0%} to {ACHIEVED_HIGH:.0%} of {hosts * machine.total_tflops:g} TFLOPS "
            f"({ACHIEVED:.1%} expected), {flops / 1e9:.4g} GFLOP a token slot"
            f"{', activations recomputed' if recompute else ''}, ${price:g}/h on demand ({machine.priced})"
        ),
    )


def uneven_shares(micro_batches: int, instance_type: str, hosts: int = 1) -> str:
    """Why the micro-batches of an optimiser step cannot be shared out evenly among all GPUs; empty when they can."""
    gpus = hosts * TRAINING_INSTANCES[instance_type].gpus
    if micro_batches % gpus == 0:
        return ""
    return (
        f"TokensPerStep / PackLength is {micro_batches} micro-batches a step, which {gpus} GPUs ({hosts} x {instance_type}) "
        f"cannot share evenly; make it a multiple of {gpus}"
    )


def over_limits(plan: Estimate, limits: Limits) -> list[str]:
    """Every limit that the slow end of the estimate passes, as sentences with all numbers; empty when it fits."""
    problems = []
    if plan.hours_high > limits.training_hours:
        problems.append(f"it needs {_hours(plan)} but MaxTrainingHours is {limits.training_hours:g}")
    if limits.platform_hours is not None and plan.hours_high > limits.platform_hours - limits.margin_hours:
        problems.append(
            f"it needs {_hours(plan)} but the platform ends the job after {limits.platform_hours:.4g} hours (MaxRuntime), "
            f"and training stops {60 * limits.margin_hours:g} minutes before"
        )
    if plan.usd_high > limits.usd:
        problems.append(
            f"it costs ${plan.usd_low:,.2f} to ${plan.usd_high:,.2f}, ${plan.usd_expected:,.2f} expected, "
            f"but MaxCostUsd is {limits.usd:g}"
        )
    return problems


def refuse_if_over(plan: Estimate, memory: MemoryEstimate, instance_type: str, limits: Limits, advice: str) -> None:
    """Raises Refused, naming every number, when the memory or the slow end of the estimate passes a limit."""
    problems = [*filter(None, [too_big(memory, instance_type)]), *over_limits(plan, limits)]
    if problems:
        raise Refused(
            f"The training plan does not fit: {'; and '.join(problems)}. "
            f"Assumed: {plan.assumptions}; {plan.tokens:,} token slots. {advice}"
        )


def _hours(plan: Estimate) -> str:
    days = f" ({plan.hours_expected / 24:.0f} days)" if plan.hours_expected > 48 else ""
    return f"{plan.hours_low:,.1f} to {plan.hours_high:,.1f} hours, {plan.hours_expected:,.1f} expected{days},"
