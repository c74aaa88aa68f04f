"""The training plan: optimiser steps, hours and cost of what was tokenised."""

from __future__ import annotations

import math

from steps import job
from steps.budget import estimate
from steps.contract import TrainingPlan
from steps.tokenize.write import TokenisedSplit


def make_plan(train: TokenisedSplit, packs: int, weights: int) -> TrainingPlan:
    """Plan from the run-time parameters. An optimiser step reads TokensPerStep slots; MaxSteps caps what Epochs asks for."""
    pack_length = int(job.parameter("PackLength"))
    packs_per_step = int(job.parameter("TokensPerStep")) // pack_length
    steps_per_epoch = math.ceil(packs / packs_per_step)
    steps = max(1, math.ceil(float(job.parameter("Epochs")) * steps_per_epoch))
    cap = int(job.parameter("MaxSteps"))
    if cap:
        steps = min(steps, cap)
    slots = steps * packs_per_step * pack_length
    return TrainingPlan(
        examples=len(train.examples),
        too_long=train.too_long,
        tokens=sum(train.lengths),
        packs=packs,
        fill=sum(train.lengths) / (packs * pack_length),
        packs_per_step=packs_per_step,
        steps_per_epoch=steps_per_epoch,
        steps=steps,
        epochs=round(steps / steps_per_epoch, 4),
        estimate=estimate(slots, weights, str(job.parameter("TrainingInstanceType"))),
    )
