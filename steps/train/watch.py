"""What watches a training run: events, validation, saving and sealing, stopping in time."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from transformers import TrainerCallback

from steps import job
from steps.contract import LossPoint, PacePoint
from steps.models import mean_loss
from steps.train import checkpoints, ranks
from steps.train.clock import EVALUATION_SECONDS, UNMEASURED_SAVE_SECONDS, Clock
from steps.train.contents import Expected
from steps.train.curve import History, keeps_point, loss_points, pace_points, validation_points
from steps.train.losses import refuse_no_number
from steps.train.nonfinite import NonFinite, has_finite_gradients, look_into, name_of, record
from steps.train.options import TrainOptions
from steps.train.pace import Pace
from steps.train.peak import peak_memory_gib
from steps.train.sealing import seal, writing
from steps.train.setup import Workbench
from steps.train.stopping import StopSignal

VALIDATION_BATCHES = 64  # enough for a curve; the gate scores the whole split later
VALIDATIONS = 10
StopReason = Literal["finished", "time limit", "signal"]


@dataclass
class Run(TrainerCallback):  # type: ignore[misc]
    """Watches one run: events, validation, saving by time and by steps, sealing, stopping in time and on SIGTERM."""

    options: TrainOptions
    bench: Workbench
    root: Path
    total_steps: int
    stop: StopSignal
    clock: Clock
    save_every_seconds: float = math.inf
    save_every_steps: float = math.inf
    save_early_step: int = 0
    validate_every: int = 0
    probe_every_step: bool = False

    stop_reason: StopReason = "finished"
    history: History = field(default_factory=list)
    probe_losses: list[float] = field(default_factory=list)
    pace: Pace = field(default_factory=Pace)
    checkpoint_seconds: float = 0.0
    validation_seconds: float = 0.0
    last_loss: float = math.nan
    _suspect: NonFinite | None = None
    _saved_at: float = 0.0
    _saved_step: int = 0
    _saving_since: float = 0.0

    def __post_init__(self) -> None:
        self._saved_at = self._saving_since = self.clock.seconds

    @property
    def tokens_per_second(self) -> float:
        """Real tokens per second of all processes, from the median step."""
        return self._rate(self.pace.percentile(0.5))

    def _rate(self, seconds: float) -> float:
        return self.bench.plan.tokens_per_step / seconds if seconds else 0.0

    def continue_from(self, sealed: checkpoints.Sealed) -> None:
        """Take over loss and curves of the checkpoint that this run goes on from."""
        self.last_loss, self._saved_step = sealed.seal.loss, sealed.seal.step
        self.history = json.loads((sealed.folder / "trainer_state.json").read_text(encoding="utf-8"))["log_history"]

    @property
    def curve(self) -> list[LossPoint]:
        """Training loss by step, earlier processes included."""
        return loss_points(self.history)

    @property
    def pace_curve(self) -> list[PacePoint]:
        """Speed and memory by step, earlier processes included."""
        return pace_points(self.history)

    @property
    def validation_curve(self) -> list[tuple[int, float]]:
        """Step and validation loss, earlier processes included."""
        return validation_points(self.history)

    def probe(self) -> float:
        """Loss on one fixed batch: the first micro-batches of the training split."""
        loss = mean_loss(self.bench.model, self.bench.train, limit=self.bench.plan.micro_batches_per_step)
        return math.nan if loss is None else loss

    @property
    def is_late(self) -> bool:
        """Whether one step more, what belongs to it and what follows the last one would not fit before the deadline."""
        step = self.pace.percentile(1.0, recent=True)
        save = 2 * self.checkpoint_seconds or UNMEASURED_SAVE_SECONDS
        return self.clock.left <= step + self.validation_seconds + 2 * save + self._last_validation_seconds(step)

    def _last_validation_seconds(self, step: float) -> float:
        """Of the whole split, at the pace of a validation of the curve; before the first, of training, which is slower."""
        batches = len(self.bench.validation)
        if self.validation_seconds:
            expected = self.validation_seconds * batches / min(batches, VALIDATION_BATCHES)
        else:
            expected = step * batches / self.bench.plan.micro_batches_per_step
        return min(EVALUATION_SECONDS, expected)

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.pace.resume()

    def on_substep_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> Any:
        """Between the rows of one step: a long step must not use up the time that saving needs.

        What was accumulated of the step is given up; the checkpoint is that of the last whole one.
        """
        if ranks.count() == 1 and self.stop and state.global_step:
            return self._end("signal", state, control)
        return control

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """A gradient that is not a number is looked into while the weights are still good; `on_log` then ends the run."""
        if not has_finite_gradients(self.bench.model) and ranks.rank() == 0:
            self._suspect = self._look_into(state.global_step + 1)

    def _look_into(self, step: int) -> NonFinite:
        return look_into(self.bench, step, self.total_steps, self.options.seed)

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> Any:
        self.pace.step_done()
        if self.probe_every_step:
            self.probe_losses.append(self.probe())
        stop, late, due = ranks.agree(
            self.bench.model.device,
            bool(self.stop),
            self.is_late,
            self.clock.seconds - self._saved_at >= self.save_every_seconds,
        )
        step = state.global_step
        if stop:
            self._end("signal", state, control)
        elif late and step < self.total_steps:
            self._end("time limit", state, control)
        else:
            many = step - self._saved_step >= self.save_every_steps
            control.should_save = due or many or step in (self.save_early_step, self.total_steps)
        self._saving_since = self.clock.seconds
        self.pace.resume()
        return control

    def _end(self, reason: StopReason, state: Any, control: Any) -> Any:
        """Stop after saving, unless just this step is saved: a whole checkpoint is never written over."""
        self.stop_reason = reason
        job.event("stopping", reason="SIGTERM" if reason == "signal" else reason, step=state.global_step)
        control.should_training_stop = True
        control.should_save = state.global_step != self._saved_step
        return control

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **kwargs: Any) -> None:
        if not logs or "loss" not in logs:
            return
        loss, rate, norm = (float(logs.get(key, math.nan)) for key in ("loss", "learning_rate", "grad_norm"))
        step = state.global_step
        if not (math.isfinite(loss) and math.isfinite(norm)):  # nothing has been saved since
            if ranks.rank() == 0:
                found = self._suspect or self._look_into(step)
                record(found, self.root, loss=loss, grad_norm=norm, learning_rate=rate)
            ranks.wait_for_all()
            raise job.Refused(
                f"loss {loss} with gradient norm {norm} at step {step}: training has diverged. Its micro-batches and their "
                f"examples stand in {name_of(step)} beside the checkpoints. The newest sealed checkpoint is kept. "
                "Lower LearningRate and start again."
            )
        self.last_loss = loss
        self.history = state.log_history  # saved with every checkpoint, so curves survive a restart
        rate_now = round(self._rate(self.pace.percentile(0.5, recent=True)), 1)
        if keeps_point(step, self.total_steps) or control.should_training_stop:
            state.log_history[-1] |= {"tokens_per_second": rate_now, "memory_gib": round(peak_memory_gib()[0], 3)}
        else:
            state.log_history.pop()
        job.event("train", step=step, loss=loss, learning_rate=rate, grad_norm=norm, tokens_per_second=rate_now)
        job.progress(step, self.total_steps, "steps", loss=round(loss, 4), speed=f"{rate_now:,.0f} tokens/s")
        if self.validate_every and step % self.validate_every == 0:
            self.validate(step)
        self._saving_since = self.clock.seconds  # what follows is the save, if there is one
        self.pace.resume()

    def validate(self, step: int) -> None:
        """A point of the validation curve: the loss on the first micro-batches, which are mixed and stand for all."""
        started = self.clock.seconds
        found = self.validation_loss(limit=VALIDATION_BATCHES)
        if found is not None:
            refuse_no_number(found, self.last_loss)
            self.validation_seconds = self.clock.seconds - started
            self.history.append({"step": step, "validation_loss": found})
            job.event("validation", step=step, loss=found)

    def validation_loss(self, limit: int | None = None) -> float | None:
        """Validation loss; None when SIGTERM came before or in the middle of it."""
        return mean_loss(self.bench.model, self.bench.validation, limit=limit, interrupted=lambda: bool(self.stop))

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        probe_loss = self.probe_losses[-1] if self.probe_every_step else self.probe()
        ranks.wait_for_all()  # every process has written its part
        folder, step = self.root / f"checkpoint-{state.global_step}", state.global_step
        if ranks.rank() == 0:
            with writing(folder):
                seal(
                    folder,
                    step=step,
                    loss=self.last_loss,
                    probe_loss=probe_loss,
                    clock=self.clock,
                    identity=self.bench.identity,
                    expected=Expected.of(self.bench.model, kwargs["optimizer"], ranks.count()),
                )
        self._saved_at, self._saved_step = self.clock.seconds, step
        self.checkpoint_seconds = self.clock.seconds - self._saving_since  # written and sealed
        self.pace.resume()
        job.event("checkpoint_sealed", step=step, seconds=round(self.checkpoint_seconds, 3))
