"""The training plan: optimiser steps, memory, hours, cost and checkpoints of what was tokenised."""

from __future__ import annotations

import math

from steps import job
from steps.budget import estimate, uneven_shares
from steps.contract import ModelShape, TrainingPlan
from steps.instances import TRAINING_INSTANCES
from steps.levers import Levers
from steps.memory import memory_estimate, micro_batch, trainable_parameters
from steps.saving import save_plan
from steps.tokenize.write import TokenisedSplit, Written


def make_plan(train: TokenisedSplit, written: Written, shape: ModelShape, levers: Levers) -> TrainingPlan:
    """Plan from the run-time parameters. An optimiser step reads TokensPerStep slots; MaxSteps caps what Epochs asks for.

    Raises Refused where the micro-batches of a step cannot be shared out evenly among the GPUs.
    """
    pack_length, rank, targets = (
        int(job.parameter("PackLength")),
        int(job.parameter("LoraRank")),
        str(job.parameter("LoraTargets")),
    )
    instance_type = str(job.parameter("TrainingInstanceType"))
    per_step = int(job.parameter("TokensPerStep")) // pack_length
    steps = max(1, math.ceil(float(job.parameter("Epochs")) * written.micro_batches / per_step))
    cap = int(job.parameter("MaxSteps"))
    if cap:
        steps = min(steps, cap)
    slots = round(steps * per_step * written.slots / written.micro_batches)
    machine = TRAINING_INSTANCES[instance_type]
    hosts = int(job.setting("TrainingHosts", "1"))
    problem = uneven_shares(per_step, instance_type, hosts)
    if problem:
        raise job.Refused(problem)
    largest, width = micro_batch(levers, pack_length, int(job.parameter("MaxLength")))
    memory = memory_estimate(shape, machine, levers, rank=rank, targets=targets, slots=largest, width=width)
    if levers.attention == "varlen":
        width = round(sum(train.lengths) / len(train.examples))  # an example attends to itself alone
    time = estimate(slots, shape, instance_type, recompute=memory.gradient_checkpointing, hosts=hosts, width=width)
    return TrainingPlan(
        examples=len(train.examples),
        too_long=train.too_long,
        tokens=sum(train.lengths),
        slots=written.slots,
        fill=sum(train.lengths) / written.slots,
        micro_batches=written.micro_batches,
        micro_batches_per_step=per_step,
        steps=steps,
        epochs=round(steps * per_step / written.micro_batches, 4),
        estimate=time,
        memory=memory,
        saving=save_plan(time.hours_high, steps, trainable_parameters(shape, rank, targets)),
    )
