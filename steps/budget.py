"""How long a run takes and what it costs, from stated assumptions, and the refusal of one that does not fit.

LoRA needs 4 FLOPs per token and weight: 2 forward, 2 for the gradient of the input; frozen weights need no gradient of
their own. A well-fed GPU reaches 45 to 65 % of its dense bf16 peak (the lost run reached 58.6 % on an A10G).
"""

from __future__ import annotations

from steps.contract import Estimate
from steps.instances import PRICES_AS_OF, TRAINING_INSTANCES
from steps.job import Refused

FLOPS_PER_TOKEN_AND_WEIGHT = 4
STOP_MARGIN_SECONDS = 1800  # before the platform's limit, whose clock starts before this program does
ACHIEVED_LOW, ACHIEVED_HIGH = 0.45, 0.65


def estimate(tokens: int, weights: int, instance_type: str) -> Estimate:
    """Hours and dollars for training on `tokens` token slots with a model of `weights` parameters."""
    machine = TRAINING_INSTANCES[instance_type]
    peak = machine.peak_tflops * 1e12 / (FLOPS_PER_TOKEN_AND_WEIGHT * weights)
    slow, fast = peak * ACHIEVED_LOW, peak * ACHIEVED_HIGH
    return Estimate(
        tokens=tokens,
        usd_per_hour=machine.usd_per_hour,
        tokens_per_second_low=round(slow, 1),
        tokens_per_second_high=round(fast, 1),
        hours_low=round(tokens / fast / 3600, 4),
        hours_high=round(tokens / slow / 3600, 4),
        usd_low=round(tokens / fast / 3600 * machine.usd_per_hour, 4),
        usd_high=round(tokens / slow / 3600 * machine.usd_per_hour, 4),
        assumptions=(
            f"{instance_type} ({machine.gpu}), {ACHIEVED_LOW:.0%} to {ACHIEVED_HIGH:.0%} of {machine.peak_tflops:g} TFLOPS, "
            f"4 FLOPs per token and weight, ${machine.usd_per_hour:g}/h on demand ({PRICES_AS_OF})"
        ),
    )


def refuse_if_over(plan: Estimate, max_hours: float, max_usd: float, advice: str) -> None:
    """Raises Refused when even the slow end of the estimate does not fit hours or dollars."""
    problems = []
    if plan.hours_high > max_hours:
        days = f" ({plan.hours_high / 24:.0f} days)" if plan.hours_high > 48 else ""
        problems.append(
            f"it needs {plan.hours_low:,.1f} to {plan.hours_high:,.1f} hours{days} but MaxTrainingHours is {max_hours:g}"
        )
    if plan.usd_high > max_usd:
        problems.append(f"it costs ${plan.usd_low:,.0f} to ${plan.usd_high:,.0f} but MaxCostUsd is {max_usd:g}")
    if problems:
        raise Refused(
            f"The training plan does not fit: {'; and '.join(problems)}. "
            f"Assumed: {plan.assumptions}; {plan.tokens:,} token slots. {advice}"
        )
