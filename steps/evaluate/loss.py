"""Validation loss of every system on the same micro-batches: of both directions together, and of each."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from peft import PeftModel

from steps import job
from steps.contract import DirectionScores
from steps.evaluate.systems import BASE, CHAMPION, TRAINED, acting_as, systems_of
from steps.models import answer_losses
from steps.shards import IGNORED, TokenSplit


@dataclass(frozen=True)
class DirectedLoss:
    """Negative log-likelihood in nats and the answer tokens it is the sum over, by direction, forward first."""

    sums: tuple[float, float]
    tokens: tuple[int, int]

    @property
    def mean(self) -> float:
        """Nats per answer token of both directions: every token counts the same."""
        return sum(self.sums) / sum(self.tokens)

    def of(self, direction: int) -> float | None:
        """Nats per answer token of one direction; None where the split has no token of it."""
        return self.sums[direction] / self.tokens[direction] if self.tokens[direction] else None


def validation_losses(model: PeftModel, validation: TokenSplit) -> dict[str, DirectedLoss]:
    """Losses by system. Raises Refused when one is not finite, or over no token at all: that is a failure, not a score."""
    losses = {}
    for system in systems_of(model):
        with acting_as(model, system):
            loss = _directed_loss(model, validation, system)
        if not math.isfinite(loss.mean):
            raise job.Refused(
                f"the validation loss of the {system} model is {loss.mean}: the model cannot be evaluated"
            )
        losses[system] = loss
        job.event("loss", system=system, loss=loss.mean, tokens=sum(loss.tokens))
    return losses


def with_losses(
    scores: tuple[DirectionScores, DirectionScores], losses: Mapping[str, DirectedLoss]
) -> tuple[DirectionScores, DirectionScores]:
    """The scores of the held-out sentences with the validation loss of their direction beside them."""

    def add(way: int) -> DirectionScores:
        return scores[way].model_copy(
            update={
                "validation_tokens": losses[TRAINED].tokens[way],
                "validation_loss": losses[TRAINED].of(way),
                "base_validation_loss": losses[BASE].of(way),
                "champion_validation_loss": losses[CHAMPION].of(way) if CHAMPION in losses else None,
            }
        )

    return add(0), add(1)


def _directed_loss(model: Any, validation: TokenSplit, system: str) -> DirectedLoss:
    sums, tokens = [0.0, 0.0], [0, 0]
    for number in range(len(validation)):
        losses, targets, positions = answer_losses(model, validation[number])
        ways = torch.from_numpy(validation.directions(number))[:, positions + 1].to(targets.device)
        for way in (0, 1):
            mine = (ways == way) & (targets != IGNORED)
            sums[way] += float(losses[mine].sum())
            tokens[way] += int(mine.sum())
        job.progress(number + 1, len(validation), "batches", system=system)
    if not sum(tokens):
        raise job.Refused("the validation split holds no answer tokens")
    return DirectedLoss((sums[0], sums[1]), (tokens[0], tokens[1]))
