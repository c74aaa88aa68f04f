"""How often to save: a quarter of an hour, unless keeping and restoring all checkpoints would take too much.

Nothing is ever deleted, because a checkpoint deleted in the container is deleted in S3, and all of them are fetched again
when a job starts anew. So the interval grows with the run, until their total stays under TOTAL_GIB. That much takes eleven
minutes to fetch, at an assumed RESTORE_MIB_PER_SECOND.
"""

from __future__ import annotations

import math

from steps.contract import SavePlan

SAVE_MINUTES = 15.0
TOTAL_GIB = 64.0  # a week of rank-16 q and v adapters every 15 minutes is 51 GiB
RESTORE_MIB_PER_SECOND = 100.0  # of S3 to one machine; an assumption
BYTES_PER_WEIGHT = 12  # fp32 weight and two AdamW moments
OTHER_MIB = 0.1  # states of scheduler, random numbers and trainer, the seal
SAVES_BY_STEPS = 1_000
FIRST_AND_LAST = 2  # saved whatever the interval says


def save_plan(hours: float, steps: int, trainable: int) -> SavePlan:
    """Interval, number, size and restore time of the checkpoints of a run of `hours` and `steps`.

    A checkpoint holds 12 bytes per trained weight. Every SAVES_BY_STEPS steps one is saved too, or more rarely where the
    run is so long that their number would pass the limit. The number is that of steps of even length: with the first
    save by time the count of steps begins anew, and with the first by steps the time.
    """
    mib = trainable * BYTES_PER_WEIGHT / 2**20 + OTHER_MIB
    most = max(1, int(TOTAL_GIB * 1024 / mib) - FIRST_AND_LAST)
    minutes = max(SAVE_MINUTES, math.ceil(100 * hours * 60 / most) / 100)
    every = max(SAVES_BY_STEPS, -(-steps // most))
    count = min(steps, FIRST_AND_LAST + int(max(hours * 60 / minutes, steps / every)))
    total = count * mib / 1024
    return SavePlan(
        minutes=minutes,
        steps=every,
        checkpoints=count,
        checkpoint_mib=round(mib, 2),
        total_gib=round(total, 3),
        restore_minutes=round(total * 1024 / RESTORE_MIB_PER_SECOND / 60, 2),
    )
