"""Spot against on demand, as arithmetic: an interruption costs the work since the last checkpoint and a restart.

With H hours of work, r interruptions an hour and L hours lost to each (half the time between saves, the restart, and
fetching the checkpoints), the expected time T solves T = H + r T L, so T = H / (1 - r L). Once r L reaches 1 the run never
ends. Spot at the rate s costs T s, on demand at the rate d costs H d; both cost the same at r = (1 - s / d) / L.

The chance of an interruption is an assumption: nobody publishes it per instance type, and it changes by the day. So is the
spot price. All restarts are taken as billed, and all checkpoints as fetched each time, though early there are few.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from steps.contract import Estimate, SavePlan
from steps.instances import TRAINING_INSTANCES

RESTART_MINUTES = 10.0  # a new machine, the image, 14.5 GB of base model and the shards; an assumption
INTERRUPTIONS_PER_DAY = 1.0  # an assumption


class SpotEstimate(BaseModel):
    """Expected time and cost of a run on spot machines. Hours and dollars are None where the run would never end."""

    model_config = ConfigDict(frozen=True)

    interruptions_per_day: float
    hours_lost_each: float
    usd_per_hour: float
    hours: float | None
    interruptions: float | None
    usd: float | None
    on_demand_hours: float
    on_demand_usd: float
    break_even_per_day: float
    """Interruptions a day over which on demand is the cheaper."""

    @property
    def saves(self) -> bool:
        """Whether spot is expected to be cheaper."""
        return self.usd is not None and self.usd < self.on_demand_usd


def spot_price(time: Estimate, instance_type: str) -> float | None:
    """US dollars per hour of all machines of an estimate; None for an instance whose spot price is not known."""
    machine = TRAINING_INSTANCES[instance_type]
    if machine.spot_usd_per_hour is None:
        return None
    return time.usd_per_hour * machine.spot_usd_per_hour / machine.usd_per_hour


def spot_estimate(
    time: Estimate,
    saving: SavePlan,
    instance_type: str,
    *,
    interruptions_per_day: float = INTERRUPTIONS_PER_DAY,
    restart_minutes: float = RESTART_MINUTES,
) -> SpotEstimate | None:
    """Spot against on demand for the expected hours of an estimate. None for an instance whose spot price is not known."""
    spot = spot_price(time, instance_type)
    if spot is None:
        return None
    lost = (saving.minutes / 2 + restart_minutes + saving.restore_minutes) / 60
    left = 1 - interruptions_per_day / 24 * lost  # share of each hour that is not lost again
    hours = time.hours_expected / left if left > 0 else None
    return SpotEstimate(
        interruptions_per_day=interruptions_per_day,
        hours_lost_each=round(lost, 4),
        usd_per_hour=round(spot, 4),
        hours=None if hours is None else round(hours, 4),
        interruptions=None if hours is None else round(hours * interruptions_per_day / 24, 2),
        usd=None if hours is None else round(hours * spot, 4),
        on_demand_hours=time.hours_expected,
        on_demand_usd=time.usd_expected,
        break_even_per_day=round(24 * (1 - spot / time.usd_per_hour) / lost, 2),
    )
