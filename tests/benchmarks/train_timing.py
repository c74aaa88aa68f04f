"""Runs a training job through the pipeline's own code and times its optimiser steps, after some that warm up."""

from __future__ import annotations

import contextlib
import gc
import io
import shutil
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from transformers.models.mistral import modeling_mistral

from steps import job
from steps.shards import TokenSplit
from steps.train import trainer
from steps.train.clock import Clock
from steps.train.options import read_options
from steps.train.order import RunOrder
from steps.train.setup import prepare
from steps.train.stopping import StopSignal
from steps.train.watch import Run
from tests.benchmarks.train_job import Setting, at, write_job
from tests.benchmarks.train_lengths import Lengths

GIB = 2**30


@dataclass(frozen=True)
class Timing:
    """Some optimiser steps of one job. Seconds are of the process on a CPU, and of the device on a GPU."""

    tokens: int
    examples: int
    slots: int
    seconds: list[float]
    losses: list[float]
    fill: float
    """Of the whole split."""
    peak_gib: float | None = None
    reserved_gib: float | None = None

    @property
    def tokens_per_second(self) -> float:
        """Real tokens, padding not counted."""
        return self.tokens / sum(self.seconds)

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self) | {"tokens_per_second": self.tokens_per_second}


@dataclass
class Timed(Run):
    """The run's own watcher, which looks at the clock after every step and saves nothing."""

    stamps: list[Any] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        super().on_train_begin(args, state, control, **kwargs)
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> Any:
        control = super().on_step_end(args, state, control, **kwargs)
        control.should_save = False
        self.stamps.append(_stamp())
        return control

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **kwargs: Any) -> None:
        if logs and "loss" in logs:
            self.losses.append(float(logs["loss"]))
        super().on_log(args, state, control, logs=logs, **kwargs)


def _stamp() -> Any:
    """Now: an event on the GPU's own time line, or the CPU seconds of this process."""
    if not torch.cuda.is_available():
        return time.process_time()
    event = torch.cuda.Event(enable_timing=True)
    event.record()
    return event


def _between(first: Any, last: Any) -> float:
    return float(last - first) if isinstance(first, float) else float(first.elapsed_time(last)) / 1000


def time_setting(
    folder: Path,
    staged: Path,
    lengths: Lengths,
    setting: Setting,
    *,
    warm: int = 1,
    steps: int | None = None,
    seed: int = 3,
) -> Timing:
    """Train for `warm` steps and then for `steps` that are timed (None: one epoch, in whole steps, at least one).

    What the job prints is kept to itself. Raises what the job raises: Refused, torch.OutOfMemoryError.
    """
    shutil.rmtree(folder, ignore_errors=True)
    many = _steps_of_an_epoch(folder / "count", staged, lengths, setting) if steps is None else steps
    root = write_job(folder / "job", staged, lengths, setting, steps=warm + many, seed=seed)
    said = io.StringIO()
    try:
        with at(root), contextlib.redirect_stdout(said), contextlib.ExitStack() as stack:
            # Liger replaces names in this module for good; the next job must find it as it was
            stack.enter_context(mock.patch.dict(vars(modeling_mistral)))
            if setting.one_at_a_time:
                stack.enter_context(mock.patch.object(trainer, "rows_per_batch", lambda *given: 1))
            options = read_options(job.hyperparameters())
            bench = prepare(options)
            run = Timed(options, bench, job.checkpoint_dir(), warm + many, StopSignal(), Clock(time.monotonic()))
            trainer.train(run, None)
        per_step = bench.plan.micro_batches_per_step
        order = RunOrder(len(bench.train), per_step * (warm + many), options.seed)
        seen = order.slice(per_step * warm, per_step * (warm + many))
        tokens, examples, slots = _count(bench.train, seen)
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return Timing(
            tokens=tokens,
            examples=examples,
            slots=slots,
            seconds=[_between(*pair) for pair in zip(run.stamps[warm - 1 :], run.stamps[warm:], strict=False)],
            losses=run.losses,
            fill=bench.plan.fill,
            peak_gib=torch.cuda.max_memory_allocated() / GIB if torch.cuda.is_available() else None,
            reserved_gib=torch.cuda.max_memory_reserved() / GIB if torch.cuda.is_available() else None,
        )
    finally:
        free()
        shutil.rmtree(folder, ignore_errors=True)


def free() -> None:
    """Give back what the last job held on the GPU."""
    torch._dynamo.reset()
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def _steps_of_an_epoch(folder: Path, staged: Path, lengths: Lengths, setting: Setting) -> int:
    from steps.contract import PLAN, TrainingPlan, load

    plan = load(write_job(folder, staged, lengths, setting, steps=1) / "input" / "data" / "tokens" / PLAN, TrainingPlan)
    return max(1, round(plan.micro_batches / plan.micro_batches_per_step))


def _count(split: TokenSplit, numbers: list[int]) -> tuple[int, int, int]:
    """Real tokens, examples and token slots of micro-batches."""
    rows = [lengths for number in numbers for lengths in split.lengths(number)]
    slots = sum(split[number]["input_ids"].size for number in numbers)
    return sum(map(sum, rows)), sum(map(len, rows)), slots
