"""Validation loss of the trained model and of its base, on the same micro-batches."""

from __future__ import annotations

import math
from functools import partial

from peft import PeftModel

from steps import job
from steps.evaluate.systems import acting_as, systems_of
from steps.models import mean_loss
from steps.shards import TokenSplit


def validation_losses(model: PeftModel, validation: TokenSplit) -> dict[str, float]:
    """Nats per answer token, by system. Raises Refused when one is not finite: that is a failure, not a score."""
    losses = {}
    for system in systems_of(model):
        with acting_as(model, system):
            loss = mean_loss(model, validation, on_batch=partial(job.progress, unit="batches", system=system))
        if loss is None or not math.isfinite(loss):
            raise job.Refused(f"the validation loss of the {system} model is {loss}: the model cannot be evaluated")
        losses[system] = loss
        job.event("loss", system=system, loss=loss)
    return losses
