"""The two clocks of a training job: the platform's, which restarts of one job share, and the whole run's.

A container cannot see how long its job has been running, so what was used before stands in the seals of checkpoints.
Training must have ended, saved and evaluated `stop_margin_minutes` before the platform's limit: its clock starts before
this program, with the fetching of image and data, and ends after it, with the upload of the model.
"""

from __future__ import annotations

import math
import os
import time
from dataclasses import dataclass

from steps.contract import Seal
from steps.train.options import TrainOptions

EVALUATION_SECONDS = 600.0  # for the validation after the last step; EvaluateModel reads the whole split later
UNMEASURED_SAVE_SECONDS = 10.0  # until the early save has been timed


def now() -> float:
    """Seconds of a clock that only goes forward."""
    return time.monotonic()


def job_name() -> str:
    """This training job's name, the same after a restart on another spot machine; empty outside of a job."""
    return os.environ.get("TRAINING_JOB_NAME", "")


@dataclass(frozen=True)
class Clock:
    """Seconds since `started`, those used before, and how many this process may use (`limit`)."""

    started: float
    job: str = ""
    run_before: float = 0.0
    """Of the whole run, over all of its jobs."""
    job_before: float = 0.0
    """Of this job, by its processes before this one."""
    limit: float = math.inf

    @property
    def seconds(self) -> float:
        """Of this process."""
        return now() - self.started

    @property
    def run_seconds(self) -> float:
        """Of the whole run so far."""
        return self.run_before + self.seconds

    @property
    def job_seconds(self) -> float:
        """Of this job so far."""
        return self.job_before + self.seconds

    @property
    def left(self) -> float:
        """Until the earlier of the limits; negative once it is passed."""
        return self.limit - self.seconds


def set_clock(options: TrainOptions, started: float, seal: Seal | None, lost: float) -> Clock:
    """The clock of a run that goes on from a seal, if any, after `lost` seconds of work that a kill took."""
    job = job_name()
    run_before = seal.seconds_used + lost if seal else 0.0
    job_before = seal.job_seconds + lost if seal and seal.job == job else 0.0
    return Clock(
        started,
        job,
        run_before,
        job_before,
        limit=min(
            3600 * options.max_training_hours - run_before,
            options.max_runtime_seconds - 60 * options.stop_margin_minutes - job_before,
        ),
    )


def lost_seconds(seal: Seal, save_seconds: float, save_steps: float) -> float:
    """What a kill may have taken after a seal: one save interval, whichever of its two limits comes first.

    Steps are taken to be as long as the run's have been on average, with all that was between them.
    """
    return min(save_seconds, save_steps * seal.seconds_used / max(1, seal.step))
