"""Losses on the validation split, within the time there is."""

from __future__ import annotations

import math

from steps import job
from steps.models import PartialLoss, loss_in_time
from steps.train import ranks
from steps.train.clock import EVALUATION_SECONDS, Clock
from steps.train.setup import Workbench
from steps.train.stopping import StopSignal


def last_validation(bench: Workbench, stop: StopSignal, clock: Clock) -> PartialLoss | None:
    """Validation over as much of the split as EVALUATION_SECONDS allow; None where SIGTERM cut it short."""
    end = clock.seconds + EVALUATION_SECONDS
    found = loss_in_time(bench.model, bench.validation, interrupted=lambda: bool(stop) or clock.seconds >= end)
    stopped, *_ = ranks.agree(bench.model.device, bool(stop))
    return None if stopped and found and found.share < 1 else found


def refuse_no_number(validation: float, training: float) -> None:
    """Raises Refused for a validation loss that is not finite, beside the last training loss."""
    if not math.isfinite(validation):
        raise job.Refused(
            f"the validation loss is {validation} where the training loss was {training:.4f}: the weights are no longer "
            "good. The newest sealed checkpoint is kept. Lower LearningRate and start again."
        )
