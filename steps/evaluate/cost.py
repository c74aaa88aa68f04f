"""What the training cost, by the price of the machines it was planned for. An assumption: only the bill knows."""

from __future__ import annotations

from steps.contract import Estimate, TrainingCost
from steps.instances import TRAINING_INSTANCES
from steps.spot import spot_price


def training_cost(seconds: float, planned: Estimate, instance_type: str, *, spot: bool) -> TrainingCost:
    """Hours of training at the on-demand price of the plan, or at the spot price where the job asked for spot machines.

    A spot price is one that was seen once; where none is known, the on-demand price stands for it, which it never exceeds.
    """
    price, assumption = planned.usd_per_hour, f"list price of {TRAINING_INSTANCES[instance_type].priced}"
    if spot:
        known = spot_price(planned, instance_type)
        price = price if known is None else known
        assumption = (
            f"no spot price of {instance_type} is known, so the on-demand price is taken: it was less"
            if known is None
            else "a spot price that was seen once and changes daily; lost work and restarts that were billed are not in it"
        )
    hours = seconds / 3600
    return TrainingCost(
        hours=hours,
        usd_per_hour=price,
        usd=hours * price,
        purchase="spot" if spot else "on demand",
        assumption=assumption,
    )
