"""What a canary measures: speed, memory, waiting, validation and saving, and the whole run projected from them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

import torch

from steps import job
from steps.contract import SEAL, CanaryReport, TrainingPlan
from steps.instances import TRAINING_INSTANCES
from steps.job import Refused
from steps.memory import USABLE
from steps.sums import sha256_file
from steps.train import ranks
from steps.train.clock import EVALUATION_SECONDS
from steps.train.options import TrainOptions
from steps.train.peak import peak_memory_gib
from steps.train.watch import VALIDATION_BATCHES, VALIDATIONS, Run


@dataclass(frozen=True)
class Projection:
    """Hours of the whole run at the measured speed."""

    training: float
    validation: float
    saving: float

    @property
    def hours(self) -> float:
        """All of it."""
        return self.training + self.validation + self.saving


def begin_measuring() -> None:
    """Forget the peak of what came before, such as loading the model."""
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()


def measure(run: Run, mode: Literal["canary-train", "canary-resume"], start: int, end: int) -> CanaryReport:
    """The report on a run that has just ended its steps. Times one validation first, since the real run has those too.

    Raises Refused when SIGTERM cut that short.
    """
    evaluation_seconds = _time_validation(run)
    plan, p50 = run.bench.plan, run.pace.percentile(0.5)
    projected = project(plan, run.options, p50, evaluation_seconds, run.checkpoint_seconds, len(run.bench.validation))
    allocated, reserved = peak_memory_gib()
    report = CanaryReport(
        mode=mode,
        start_step=start,
        end_step=end,
        seal_sha256=sha256_file(run.root / f"checkpoint-{end}" / SEAL) if ranks.rank() == 0 else "",
        probe_losses=run.probe_losses,
        tokens_per_second=round(run.tokens_per_second, 1),
        slots_per_second=round(plan.slots_per_step / p50, 1),
        examples_per_second=round(plan.examples_per_step / p50, 3),
        device=_device(),
        achieved_tflops=round(plan.slots_per_step * plan.estimate.flops_per_token / p50 / 1e12, 4),
        peak_tflops=_peak_tflops(run.options.instance_type),
        peak_allocated_gib=round(allocated, 3),
        peak_reserved_gib=round(reserved, 3),
        memory_limit_gib=_memory_limit_gib(),
        step_seconds_p50=round(p50, 5),
        step_seconds_p95=round(run.pace.percentile(0.95), 5),
        loader_wait_share=round(run.pace.waiting_share, 4),
        evaluation_seconds=round(evaluation_seconds, 3),
        evaluation_share=round(projected.validation / projected.hours, 4),
        checkpoint_seconds=round(run.checkpoint_seconds, 3),
        projected_hours=round(projected.hours, 6),
        projected_usd=round(projected.hours * plan.estimate.usd_per_hour, 6),
    )
    _say(report, plan)
    return report


def project(
    plan: TrainingPlan,
    options: TrainOptions,
    step_seconds: float,
    evaluation_seconds: float,
    checkpoint_seconds: float,
    validation_batches: int,
) -> Projection:
    """Hours of the whole run: its steps, the validations of its curve and the final one, and its checkpoints.

    `evaluation_seconds` is one validation of the curve, over at most VALIDATION_BATCHES micro-batches; the final one
    reads all `validation_batches`, or as many as EVALUATION_SECONDS allow. Checkpoints come at the plan's interval, one
    early and one last.
    """
    training = plan.steps * step_seconds
    curve = plan.steps // max(1, plan.steps // VALIDATIONS)
    whole = evaluation_seconds * validation_batches / min(validation_batches, VALIDATION_BATCHES)
    validation = curve * evaluation_seconds + min(whole, EVALUATION_SECONDS)
    seconds = 60 * (options.save_minutes or plan.saving.minutes)
    by_steps = plan.steps / (options.save_steps or plan.saving.steps)
    saves = min(plan.steps, 2 + int(max((training + validation) / seconds, by_steps)))
    return Projection(training / 3600, validation / 3600, saves * checkpoint_seconds / 3600)


def _time_validation(run: Run) -> float:
    """Seconds of one validation of the curve, on a GPU until it has really ended."""
    started = time.monotonic()
    if run.validation_loss(limit=VALIDATION_BATCHES) is None:
        raise Refused("the canary was stopped while it measured a validation")
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.monotonic() - started


def _memory_limit_gib() -> float | None:
    if not torch.cuda.is_available():
        return None
    return round(USABLE * torch.cuda.get_device_properties(torch.cuda.current_device()).total_memory / 2**30, 3)


def _device() -> str:
    """What the numbers hold for, such as `4 x NVIDIA A10G`."""
    return f"{ranks.count()} x {torch.cuda.get_device_name() if torch.cuda.is_available() else 'CPU process'}"


def _peak_tflops(instance_type: str) -> float | None:
    """Dense bf16 peak of the GPUs in use, one a process; None on a CPU, and on a GPU that the instance does not have."""
    machine = TRAINING_INSTANCES[instance_type]
    if not torch.cuda.is_available() or machine.gpu not in torch.cuda.get_device_name().split():
        return None
    return machine.peak_tflops * ranks.count()


def _say(report: CanaryReport, plan: TrainingPlan) -> None:
    """Every number as one event: the log keeps it where a refused job leaves no model behind."""
    lists = {"probe_losses", "seal_sha256"}
    job.event("canary", **report.model_dump(exclude=lists))
    if report.memory_limit_gib is not None:
        job.event(
            "memory",
            predicted_gib=plan.memory.need,
            predicted_without_overhead_gib=round(plan.memory.need - plan.memory.overhead, 3),
            allocated_gib=report.peak_allocated_gib,
            reserved_gib=report.peak_reserved_gib,
            limit_gib=report.memory_limit_gib,
        )
