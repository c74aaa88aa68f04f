"""What the phases of a preparation cost beside each other, for the estimate of the time that is left."""

from __future__ import annotations

from steps.prepare.options import PrepareOptions

# CPU seconds a million pairs, as measured; what shares them among the workers is divided by their number.
SHARED_COSTS = {"shards": 28.0, "compare": 1.0, "sweep": 4.0}
ORDER = ("cut", "shards", "duplicates", "bands", "compare", "held-out", "sweep", "write", "recount")
COSTS = {"cut": 1.5, "duplicates": 0.6, "bands": 5.0, "held-out": 0.5, "write": 3.0, "recount": 4.0}
IDENTIFY_COST, NEAR_COST = 12.0, 10.0  # of the 28 of the shards
UNITS = {"duplicates": "columns", "bands": "columns"}


def costs(options: PrepareOptions, workers: int) -> dict[str, float]:
    """Shares of the wall time of each phase, for the estimate of what is left."""
    shared = dict(SHARED_COSTS)
    whole = shared | COSTS
    if not options.on("language"):
        shared["shards"] -= IDENTIFY_COST
    if not options.near_copies:
        shared["shards"] -= NEAR_COST
        whole = {phase: cost for phase, cost in whole.items() if phase not in ("bands", "compare", "held-out", "sweep")}
    return {phase: shared[phase] / workers if phase in shared else whole[phase] for phase in ORDER if phase in whole}
