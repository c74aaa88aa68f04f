"""transformers' Trainer with our order of the data, and logits only where they are needed."""

from __future__ import annotations

import time
from typing import Any

from transformers import PrinterCallback, Trainer, TrainingArguments

from steps.job import Refused
from steps.models import collate, labelled_only
from steps.train import ranks
from steps.train.checkpoints import Sealed
from steps.train.isolation import check_isolation
from steps.train.order import RunOrder
from steps.train.sealing import writing
from steps.train.watch import Run

WARM_UP = 0.03  # share of the steps


class MicroBatchTrainer(Trainer):  # type: ignore[misc]
    """Trainer that reads micro-batches in RunOrder and computes logits only where there is a label, unless told to."""

    def __init__(self, run: Run, order: RunOrder, **arguments: Any) -> None:
        super().__init__(data_collator=self._collate, **arguments)
        self._run, self._order = run, order

    def _collate(self, items: list[Any]) -> dict[str, Any]:
        """One batch, still in host memory: finding the labels on a GPU would make the host wait for it every time."""
        batch = collate(items)
        return labelled_only(batch) if self._run.options.levers.logits == "labelled" else batch

    def inputs_of(self, items: list[Any]) -> dict[str, Any]:
        """The model's arguments for some items, as a training step gets them."""
        inputs: dict[str, Any] = self._prepare_inputs(self._collate(items))
        return inputs

    def _get_train_sampler(self, train_dataset: Any = None) -> RunOrder:
        return self._order

    def get_batch_samples(self, *arguments: Any, **named: Any) -> Any:
        """The micro-batches of one step; how long they took is noted."""
        started = time.monotonic()
        samples = super().get_batch_samples(*arguments, **named)
        self._run.pace.waiting_seconds += time.monotonic() - started
        return samples

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        """Trainer's own, with a reason for a person where it cannot write; `Run.on_save` seals what it wrote."""
        with writing(self._run.root / f"checkpoint-{self.state.global_step}"):
            super()._save_checkpoint(model, trial)


def train(run: Run, resume: Sealed | None, *, constant_rate: bool = False) -> int:
    """Train until `run.total_steps`, the deadline or SIGTERM; returns the last step. Checkpoints go to `run.root`.

    However many processes share it, a step reads the same micro-batches. Raises Refused where they cannot be shared
    evenly, or where examples of one row see each other.
    """
    on_gpu = run.bench.model.device.type == "cuda"
    per_step = run.bench.plan.micro_batches_per_step
    if per_step % ranks.count():
        raise Refused(
            f"a step of {per_step} micro-batches cannot be shared evenly by {ranks.count()} processes: set TokensPerStep "
            f"to PackLength times a multiple of {ranks.count()}"
        )
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
        dataloader_num_workers=0,  # a micro-batch of 1,024 slots takes 1.5 ms to put together
        average_tokens_across_devices=True,  # every token counts the same, whichever process has it
        ddp_find_unused_parameters=False,  # all adapters are used; looking for unused ones takes time
    )
    trainer = MicroBatchTrainer(
        run,
        RunOrder(len(run.bench.train), run.total_steps * per_step, run.options.seed),
        model=run.bench.model,
        args=arguments,
        train_dataset=run.bench.train,
        callbacks=[run],
    )
    trainer.remove_callback(PrinterCallback)
    check_isolation(run.bench.model, run.bench.train, trainer.inputs_of)
    trainer.train(resume_from_checkpoint=str(resume.folder) if resume else None)
    run.history = trainer.state.log_history
    return int(trainer.state.global_step)


def rows_per_batch(on_gpu: bool, batching: str, per_step: int) -> int:
    """Micro-batches put together. A GPU takes one at a time and accumulates, for its memory; a CPU, where all have one
    width, takes those of a step at once."""
    return 1 if on_gpu or batching == "token-budget" else per_step // ranks.count()
