"""What watches a training run: events, validation, saving and sealing, stopping in time."""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from transformers import TrainerCallback

from steps import job
from steps.contract import LossPoint
from steps.models import mean_loss
from steps.train import checkpoints, ranks
from steps.train.options import TrainOptions
from steps.train.pace import Pace
from steps.train.setup import Workbench
from steps.train.stopping import StopSignal

VALIDATION_BATCHES = 64  # enough for a curve; the gate scores the whole split later
VALIDATIONS = 10
CURVE_POINTS = 1_000
StopReason = Literal["finished", "time limit", "signal"]


@dataclass
class Run(TrainerCallback):  # type: ignore[misc]
    """Watches one run: events, validation, saving by time, sealing, stopping in time and on SIGTERM."""

    options: TrainOptions
    bench: Workbench
    root: Path
    total_steps: int
    stop: StopSignal
    started: float
    seconds_before: float = 0.0
    deadline_seconds: float = math.inf
    save_every_seconds: float = math.inf
    save_every_steps: float = math.inf
    save_early_step: int = 0
    validate_every: int = 0
    probe_every_step: bool = False

    stop_reason: StopReason = "finished"
    history: list[dict[str, float]] = field(default_factory=list)
    probe_losses: list[float] = field(default_factory=list)
    pace: Pace = field(default_factory=Pace)
    checkpoint_seconds: float = 0.0
    last_loss: float = math.nan
    _saved_at: float = field(default_factory=time.monotonic)
    _saved_step: int = 0

    @property
    def seconds_used(self) -> float:
        """Training seconds over all restarts."""
        return self.seconds_before + time.monotonic() - self.started

    @property
    def tokens_per_second(self) -> float:
        """Real tokens per second of all processes, from the median step."""
        return self._rate(self.pace.percentile(0.5))

    def _rate(self, seconds: float) -> float:
        return self.bench.plan.tokens_per_step / seconds if seconds else 0.0

    def continue_from(self, sealed: checkpoints.Sealed) -> None:
        """Take over loss, time used and curves of the checkpoint that this run goes on from."""
        self.last_loss, self.seconds_before = sealed.seal.loss, sealed.seal.seconds_used
        self._saved_step = sealed.seal.step
        self.history = json.loads((sealed.folder / "trainer_state.json").read_text(encoding="utf-8"))["log_history"]

    @property
    def curve(self) -> list[LossPoint]:
        """Training loss of some CURVE_POINTS steps, earlier processes included."""
        return [
            LossPoint(
                step=int(row["step"]),
                loss=row["loss"],
                learning_rate=row["learning_rate"],
            )
            for row in self.history
            if "loss" in row
        ]

    @property
    def validation_curve(self) -> list[tuple[int, float]]:
        """Step and validation loss, earlier processes included."""
        return [(int(row["step"]), row["validation_loss"]) for row in self.history if "validation_loss" in row]

    def probe(self) -> float:
        """Loss on one fixed batch: the first micro-batches of the training split."""
        loss = mean_loss(self.bench.model, self.bench.train, limit=self.bench.plan.micro_batches_per_step)
        return math.nan if loss is None else loss

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.pace.resume()

    def on_substep_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> Any:
        """Between the rows of one step: a long step must not use up the time that saving needs.

        What was accumulated of the step is given up; the checkpoint is that of the last whole one.
        """
        if ranks.count() == 1 and self.stop and state.global_step:
            return self._stop_for_signal(state, control)
        return control

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> Any:
        self.pace.step_done()
        now = time.monotonic()
        if self.probe_every_step:
            self.probe_losses.append(self.probe())
        stop, late, due = ranks.agree(
            self.bench.model.device,
            bool(self.stop),
            now - self.started >= self.deadline_seconds,
            now - self._saved_at >= self.save_every_seconds,
        )
        if stop:
            self._stop_for_signal(state, control)
        elif late:
            self.stop_reason = "time limit"
            control.should_training_stop = control.should_save = True
        else:
            step = state.global_step
            many = step - self._saved_step >= self.save_every_steps
            control.should_save = due or many or step in (self.save_early_step, self.total_steps)
        self.pace.resume()
        return control

    def _stop_for_signal(self, state: Any, control: Any) -> Any:
        self.stop_reason = "signal"
        job.event("stopping", reason="SIGTERM", step=state.global_step)
        control.should_training_stop = control.should_save = True
        return control

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **kwargs: Any) -> None:
        if not logs or "loss" not in logs:
            return
        loss, rate, norm = (float(logs.get(key, math.nan)) for key in ("loss", "learning_rate", "grad_norm"))
        if not (math.isfinite(loss) and math.isfinite(norm)):
            raise job.Refused(
                f"loss {loss} with gradient norm {norm} at step {state.global_step}: training has diverged. "
                "The newest sealed checkpoint is kept. Lower LearningRate and start again."
            )
        self.last_loss = loss
        self.history = state.log_history  # saved with every checkpoint, so curves survive a restart
        if state.global_step % max(1, self.total_steps // CURVE_POINTS):
            state.log_history.pop()  # a row per step would make every checkpoint of a long run 20 MB bigger
        rate_now = round(self._rate(self.pace.percentile(0.5, recent=True)), 1)
        job.event(
            "train", step=state.global_step, loss=loss, learning_rate=rate, grad_norm=norm, tokens_per_second=rate_now
        )
        job.progress(
            state.global_step, self.total_steps, "steps", loss=round(loss, 4), speed=f"{rate_now:,.0f} tokens/s"
        )
        if self.validate_every and state.global_step % self.validate_every == 0:
            self.validate(state.global_step)
        self.pace.resume()

    def validate(self, step: int) -> None:
        """A point of the validation curve: the loss on the first micro-batches, which are mixed and stand for all."""
        loss = self.validation_loss(limit=VALIDATION_BATCHES)
        if loss is not None:
            self.history.append({"step": step, "validation_loss": loss})
            job.event("validation", step=step, loss=loss)

    def validation_loss(self, limit: int | None = None) -> float | None:
        """Validation loss; None when SIGTERM came before or in the middle of it."""
        return mean_loss(self.bench.model, self.bench.validation, limit=limit, interrupted=lambda: bool(self.stop))

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        started = time.monotonic()
        probe_loss = self.probe_losses[-1] if self.probe_every_step else self.probe()
        ranks.wait_for_all()  # every process has written its part
        if ranks.rank() == 0:
            checkpoints.seal(
                self.root / f"checkpoint-{state.global_step}",
                step=state.global_step,
                loss=self.last_loss,
                probe_loss=probe_loss,
                seconds_used=self.seconds_used,
                job="",
                job_seconds=self.seconds_used,
                identity=self.bench.identity,
            )
        self._saved_at, self._saved_step = time.monotonic(), state.global_step
        self.checkpoint_seconds = self._saved_at - started
        self.pace.resume()
        job.event("checkpoint_sealed", step=state.global_step, seconds=round(self.checkpoint_seconds, 3))
