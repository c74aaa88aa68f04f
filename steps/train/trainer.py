"""transformers' Trainer with our order of the data, and logits only where they are needed."""

from __future__ import annotations

import time
from typing import Any

from transformers import PrinterCallback, Trainer, TrainingArguments

from steps.models import collate, labelled_only
from steps.train import ranks
from steps.train.checkpoints import Sealed
from steps.train.order import RunOrder
from steps.train.watch import Run

WARM_UP = 0.03  # share of the steps


class MicroBatchTrainer(Trainer):  # type: ignore[misc]
    """Trainer that reads micro-batches in RunOrder."""

    def __init__(self, run: Run, order: RunOrder, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._run, self._order = run, order

    def _get_train_sampler(self, train_dataset: Any = None) -> RunOrder:
        return self._order

    def get_batch_samples(self, *arguments: Any, **named: Any) -> Any:
        """The micro-batches of one step; how long they took is noted."""
        started = time.monotonic()
        samples = super().get_batch_samples(*arguments, **named)
        self._run.pace.waiting_seconds += time.monotonic() - started
        return samples

    def compute_loss(self, model: Any, inputs: dict[str, Any], *arguments: Any, **named: Any) -> Any:
        """The model's own loss, with logits computed only where there is a label unless the lever says otherwise."""
        if self._run.options.levers.logits == "labelled":
            inputs = labelled_only(inputs)
        return super().compute_loss(model, inputs, *arguments, **named)


def train(run: Run, resume: Sealed | None, *, constant_rate: bool = False) -> int:
    """Train until `run.total_steps`, the deadline or SIGTERM; returns the last step. Checkpoints go to `run.root`."""
    on_gpu = run.bench.model.device.type == "cuda"
    per_step = run.bench.plan.micro_batches_per_step
    at_once = rows_per_batch(on_gpu, run.options.levers.batching, per_step)
    arguments = TrainingArguments(
        output_dir=str(run.root),
        max_steps=run.total_steps,
        per_device_train_batch_size=at_once,
        gradient_accumulation_steps=per_step // at_once // ranks.count(),
        learning_rate=run.options.learning_rate,
        lr_scheduler_type="constant" if constant_rate else "cosine",
        warmup_steps=0 if constant_rate else max(1, round(WARM_UP * run.total_steps)),
        max_grad_norm=1.0,
        weight_decay=0.0,
        optim=run.options.levers.optimizer,
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
    trainer = MicroBatchTrainer(
        run,
        RunOrder(len(run.bench.train), run.total_steps * per_step, run.options.seed),
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


def rows_per_batch(on_gpu: bool, batching: str, per_step: int) -> int:
    """Micro-batches put together. A GPU takes one at a time and accumulates, for its memory; a CPU, where all have one
    width, takes those of a step at once."""
    return 1 if on_gpu or batching == "token-budget" else per_step // ranks.count()
