"""Numbers that are none: found before they reach the weights, and the batch that gave them is put on record.

The record lies beside the checkpoints, the only folder that is sure to outlive a failed job.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from steps import job
from steps.job import write_json
from steps.models import summed_loss
from steps.train.order import RunOrder
from steps.train.setup import Workbench


@dataclass(frozen=True)
class MicroBatchLoss:
    """One micro-batch of a step: its number in the split, its examples, and its mean loss under the weights at the time."""

    micro_batch: int
    examples: list[int]
    loss: float


@dataclass(frozen=True)
class NonFinite:
    """A step whose loss or gradient is not a number."""

    step: int
    losses: list[MicroBatchLoss]

    @property
    def bad(self) -> list[int]:
        """Micro-batches whose own loss is not finite."""
        return [item.micro_batch for item in self.losses if not math.isfinite(item.loss)]


def record(found: NonFinite, root: Path, *, loss: float, grad_norm: float, learning_rate: float) -> None:
    """Say it as an event, and write `non-finite-step-<n>.json` below `root`.

    JSON knows no NaN: numbers that are none stand there as `nan`, `inf` or `-inf`.
    """
    numbers = {"loss": spell(loss), "grad_norm": spell(grad_norm), "learning_rate": spell(learning_rate)}
    rows = [
        {"micro_batch": item.micro_batch, "loss": spell(item.loss), "examples": item.examples} for item in found.losses
    ]
    job.event(
        "non_finite",
        step=found.step,
        **numbers,
        micro_batches=[item.micro_batch for item in found.losses],
        bad=found.bad,
        record=name_of(found.step),
    )
    write_json(root / name_of(found.step), {"step": found.step, **numbers, "micro_batches": rows})


def name_of(step: int) -> str:
    """Name of the record of a step."""
    return f"non-finite-step-{step}.json"


def spell(number: float) -> float | str:
    """A finite number as it is, any other as `nan`, `inf` or `-inf`."""
    return number if math.isfinite(number) else str(number)


def has_finite_gradients(model: Any) -> bool:
    """Whether every gradient of what is trained is a number. Makes the host wait for the GPU once."""
    gradients = [weight.grad for weight in model.parameters() if weight.grad is not None]
    return not gradients or bool(torch.nn.utils.get_total_norm(gradients).isfinite())


@torch.no_grad()
def look_into(bench: Workbench, step: int, total_steps: int, seed: int) -> NonFinite:
    """The loss of each micro-batch of a step on its own, under the weights as they are now."""
    per_step = bench.plan.micro_batches_per_step
    order = RunOrder(len(bench.train), total_steps * per_step, seed)
    losses = []
    was_training = bench.model.training
    bench.model.eval()
    try:
        for number in order.slice((step - 1) * per_step, step * per_step):
            total, tokens = summed_loss(bench.model, bench.train[number])
            loss = total / tokens if tokens else 0.0
            losses.append(MicroBatchLoss(number, bench.train.examples(number), loss))
    finally:
        bench.model.train(was_training)
    return NonFinite(step, losses)
