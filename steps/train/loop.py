"""The training loop: transformers' Trainer with our order of the data, our seals, our deadline and our events."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from steps import job
from steps.contract import LossPoint
from steps.models import collate, mean_loss
from steps.train import checkpoints
from steps.train.options import TrainOptions
from steps.train.setup import Workbench
from steps.train.stopping import StopSignal

VALIDATION_PACKS = 64  # enough for a curve; the gate scores the whole split later
VALIDATIONS = 10
RECENT_STEPS = 256
StopReason = Literal["finished", "time limit", "signal"]


class EpochOrder(torch.utils.data.Sampler[int]):
    """A permutation that depends on the seed and the epoch alone, so a resumed run sees the same batches."""

    def __init__(self, count: int, seed: int) -> None:
        self._count, self._seed, self._epoch = count, seed, 0

    def set_epoch(self, epoch: int) -> None:
        """Called by the data loader at the start of every epoch."""
        self._epoch = epoch

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self._seed * 1_000_003 + self._epoch)
        yield from torch.randperm(self._count, generator=generator).tolist()


class PackTrainer(Trainer):  # type: ignore[misc]
    """Trainer that reads packs in EpochOrder."""

    def _get_train_sampler(self, train_dataset: Any = None) -> EpochOrder:
        return EpochOrder(len(self.train_dataset), self.args.seed)


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
    save_early_step: int = 0
    validate_every: int = 0
    probe_every_step: bool = False

    stop_reason: StopReason = "finished"
    history: list[dict[str, float]] = field(default_factory=list)
    probe_losses: list[float] = field(default_factory=list)
    step_seconds: list[float] = field(default_factory=list)
    checkpoint_seconds: float = 0.0
    last_loss: float = math.nan
    _mark: float = field(default_factory=time.monotonic)
    _saved_at: float = field(default_factory=time.monotonic)

    @property
    def seconds_used(self) -> float:
        """Training seconds over all restarts."""
        return self.seconds_before + time.monotonic() - self.started

    @property
    def tokens_per_second(self) -> float:
        """Real tokens per second, from the median step; the first step, which warms up, is left out if there are more."""
        return self._rate(self.step_seconds[1:] or self.step_seconds)

    def _recent_tokens_per_second(self) -> float:
        """The same over the last steps only: it is asked for after every step, and a run may have millions."""
        return self._rate(self.step_seconds[max(1, len(self.step_seconds) - RECENT_STEPS) :] or self.step_seconds)

    def _rate(self, seconds: list[float]) -> float:
        times = sorted(seconds)
        return self.bench.real_tokens_per_step / times[len(times) // 2] if times else 0.0

    def continue_from(self, sealed: checkpoints.Sealed) -> None:
        """Take over loss, time used and curves of the checkpoint that this run goes on from."""
        self.last_loss, self.seconds_before = sealed.seal.loss, sealed.seal.seconds_used
        self.history = json.loads((sealed.folder / "trainer_state.json").read_text(encoding="utf-8"))["log_history"]

    @property
    def curve(self) -> list[LossPoint]:
        """Training loss of every logged step, earlier processes included."""
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
        """Loss on one fixed batch: the first packs of the training split."""
        loss = mean_loss(self.bench.model, self.bench.train, limit=self.bench.plan.packs_per_step)
        return math.nan if loss is None else loss

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._mark = time.monotonic()

    def on_substep_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> Any:
        """Between the rows of one step: a long step must not use up the time that saving needs.

        What was accumulated of the step is given up; the checkpoint is that of the last whole one.
        """
        return self._stop_for_signal(state, control) if self.stop and state.global_step else control

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> Any:
        now = time.monotonic()
        self.step_seconds.append(now - self._mark)  # data loading included; probes, saves and validations not
        if self.probe_every_step:
            self.probe_losses.append(self.probe())
        if self.stop:
            self._stop_for_signal(state, control)
        elif now - self.started >= self.deadline_seconds:
            self.stop_reason = "time limit"
            control.should_training_stop = control.should_save = True
        elif now - self._saved_at >= self.save_every_seconds or state.global_step in (
            self.save_early_step,
            self.total_steps,
        ):
            control.should_save = True
        self._mark = time.monotonic()
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
        rate_now = round(self._recent_tokens_per_second(), 1)
        job.event(
            "train", step=state.global_step, loss=loss, learning_rate=rate, grad_norm=norm, tokens_per_second=rate_now
        )
        job.progress(
            state.global_step, self.total_steps, "steps", loss=round(loss, 4), speed=f"{rate_now:,.0f} tokens/s"
        )
        if self.validate_every and state.global_step % self.validate_every == 0:
            self.validate(state.global_step)
        self._mark = time.monotonic()

    def validate(self, step: int) -> None:
        """A point of the validation curve: the loss on the first packs, which are mixed and stand for all."""
        loss = self.validation_loss(limit=VALIDATION_PACKS)
        if loss is not None:
            self.history.append({"step": step, "validation_loss": loss})
            job.event("validation", step=step, loss=loss)

    def validation_loss(self, limit: int | None = None) -> float | None:
        """Validation loss; None when SIGTERM came before or in the middle of it."""
        return mean_loss(self.bench.model, self.bench.validation, limit=limit, interrupted=lambda: bool(self.stop))

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        started = time.monotonic()
        folder = self.root / f"checkpoint-{state.global_step}"
        checkpoints.seal(
            folder,
            step=state.global_step,
            loss=self.last_loss,
            probe_loss=self.probe_losses[-1] if self.probe_every_step else self.probe(),
            seconds_used=self.seconds_used,
            identity=self.bench.identity,
        )
        self._saved_at = time.monotonic()
        self.checkpoint_seconds = self._saved_at - started
        self._mark = self._saved_at
        job.event("checkpoint_sealed", step=state.global_step, seconds=round(self.checkpoint_seconds, 3))


def train(run: Run, resume: checkpoints.Sealed | None, *, constant_rate: bool = False) -> int:
    """Train until `run.total_steps`, the deadline or SIGTERM; returns the last step. Checkpoints go to `run.root`."""
    on_gpu = run.bench.model.device.type == "cuda"
    per_step = run.bench.plan.packs_per_step
    per_batch = rows_per_batch(on_gpu, per_step)
    arguments = TrainingArguments(
        output_dir=str(run.root),
        max_steps=run.total_steps,
        per_device_train_batch_size=per_batch,
        gradient_accumulation_steps=per_step // per_batch,
        learning_rate=run.options.learning_rate,
        lr_scheduler_type="constant" if constant_rate else "cosine",
        warmup_steps=0 if constant_rate else max(1, round(0.03 * run.total_steps)),
        max_grad_norm=1.0,
        weight_decay=0.0,
        bf16=on_gpu,
        use_cpu=not on_gpu,
        seed=run.options.seed,
        logging_steps=1,
        logging_nan_inf_filter=False,  # a loss that is not a number must be seen
        save_strategy="no",  # `Run` decides when
        save_total_limit=run.options.save_total_limit,
        report_to="none",
        disable_tqdm=True,
        remove_unused_columns=False,
        dataloader_num_workers=0,
    )
    trainer = PackTrainer(
        model=run.bench.model,
        args=arguments,
        train_dataset=run.bench.train,
        data_collator=collate,
        callbacks=[run],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train(resume_from_checkpoint=str(resume.folder) if resume else None)
    run.history = trainer.state.log_history
    return int(trainer.state.global_step)


def rows_per_batch(on_gpu: bool, per_step: int) -> int:
    """A GPU takes one row at a time and accumulates, for its memory; a CPU takes all rows of a step at once."""
    return 1 if on_gpu else per_step
