"""How long a run takes and what it costs, from stated assumptions, and the refusal of one that does not fit.

LoRA needs 4 FLOPs per token and weight: 2 forward, 2 for the gradient of the input; frozen weights need no gradient of
their own. Recomputing activations adds 2 more. A well-fed GPU reaches 45 to 65 % of its dense bf16 peak (the lost run
reached 58.6 % on an A10G).
"""

from __future__ import annotations

from steps.contract import Estimate, ModelShape
from steps.instances import PRICES_AS_OF, TRAINING_INSTANCES
from steps.job import Refused
from steps.memory import matmul_parameters

STOP_MARGIN_SECONDS = 1800  # before the platform's limit, whose clock starts before this program does
ACHIEVED_LOW, ACHIEVED, ACHIEVED_HIGH = 0.45, 0.586, 0.65


def flops_per_token(shape: ModelShape, *, recompute: bool) -> float:
    """FLOPs of one token slot: 4 per weight it is multiplied with, 6 where activations are computed twice."""
    return (6 if recompute else 4) * matmul_parameters(shape)


def estimate(slots: int, shape: ModelShape, instance_type: str, *, recompute: bool, hosts: int = 1) -> Estimate:
    """Hours and dollars for training on `slots` token slots, padding included."""
    machine = TRAINING_INSTANCES[instance_type]
    flops = flops_per_token(shape, recompute=recompute)
    peak = hosts * machine.total_tflops * 1e12 / flops
    price = hosts * machine.usd_per_hour
    slow, fair, fast = (slots / (peak * share) / 3600 for share in (ACHIEVED_LOW, ACHIEVED, ACHIEVED_HIGH))
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
            f"{instance_type} ({machine.gpu}), {ACHIEVED_LOW:.0%} to {ACHIEVED_HIGH:.0%} of {machine.total_tflops:g} TFLOPS, "
            f"{flops / matmul_parameters(shape):g} FLOPs per token and weight, "
            f"${machine.usd_per_hour:g}/h on demand ({PRICES_AS_OF})"
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
