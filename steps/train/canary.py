"""CanaryTrain and CanaryResume: prove on the real machine what the long run relies on."""

from __future__ import annotations

import math
import resource
import tarfile
import tempfile
from pathlib import Path
from typing import Literal

import torch

from steps import job
from steps.budget import STOP_MARGIN_SECONDS
from steps.contract import CANARY_REPORT, SEAL, CanaryReport, load, save
from steps.instances import TRAINING_INSTANCES
from steps.sums import sha256_file
from steps.train import checkpoints
from steps.train.options import TrainOptions
from steps.train.setup import Workbench, load_adapter_weights
from steps.train.stopping import StopSignal
from steps.train.trainer import train
from steps.train.watch import Run

SAME_LOSS = 1e-3  # relative; the same weights on the same batch, up to the arithmetic of another machine
MEMORY_SHARE = 0.96  # of the GPU; allocators fragment, and validation needs a little more than training


def canary_train(options: TrainOptions, bench: Workbench, stop: StopSignal, started: float) -> CanaryReport:
    """Train a few steps from scratch, seal the result, and refuse a run that does not learn or does not fit."""
    root = job.checkpoint_dir()
    run = Run(options, bench, root, options.canary_steps, stop, started, probe_every_step=True)
    run.probe_losses.append(run.probe())
    last = _train(run, None)
    report = _report(run, "canary-train", 0, last)
    save(job.model_dir() / CANARY_REPORT, report)
    _refuse_unless_learning(report.probe_losses)
    _refuse_unless_fitting(report, options)
    return report


def canary_resume(options: TrainOptions, bench: Workbench, stop: StopSignal, started: float) -> CanaryReport:
    """Find the very checkpoint CanaryTrain recorded, agree with its loss, and train on from it.

    The record came through CanaryTrain's output, the checkpoint through the synchronised folder: two separate ways.
    """
    record = _recorded()
    root = job.checkpoint_dir()
    folder = root / f"checkpoint-{record.end_step}"
    if not folder.is_dir():
        present = ", ".join(sorted(path.name for path in root.iterdir())) if root.is_dir() else ""
        raise job.Refused(
            f"CanaryTrain sealed step {record.end_step}, but {folder.name} did not arrive (found: {present or 'nothing'}). "
            "Checkpoints are not reaching S3: check CheckpointConfig and the training role's rights on its address."
        )
    sealed = checkpoints.open_sealed(folder)
    if sha256_file(folder / SEAL) != record.seal_sha256:
        raise job.Refused(f"{folder.name} arrived, but its seal is not the one CanaryTrain recorded")

    steps = max(2, options.canary_steps // 3)
    run = Run(options, bench, root, record.end_step + steps, stop, started, probe_every_step=True)
    run.continue_from(sealed)
    load_adapter_weights(bench.model, folder)
    restored = run.probe()
    if not math.isclose(restored, sealed.seal.probe_loss, rel_tol=SAME_LOSS):
        raise job.Refused(
            f"the restored checkpoint gives loss {restored:.6f} on the fixed batch where {sealed.seal.probe_loss:.6f} was sealed"
        )
    run.probe_losses.append(restored)
    last = _train(run, sealed)
    report = _report(run, "canary-resume", record.end_step, last)
    save(job.model_dir() / CANARY_REPORT, report)
    return report


def _train(run: Run, resume: checkpoints.Sealed | None) -> int:
    """A short run at a constant rate. Raises Refused when it was stopped or does not fit the GPU's memory."""
    try:
        last = train(run, resume, constant_rate=True)
    except torch.OutOfMemoryError as error:
        raise job.Refused(
            f"the GPU's memory is too small: {str(error).splitlines()[0]} "
            "Lower PackLength or LoraRank, or choose LoraTargets=attention."
        ) from error
    if last < run.total_steps:
        raise job.Refused(f"the canary was stopped at step {last} of {run.total_steps}")
    return last


def _recorded() -> CanaryReport:
    """What CanaryTrain wrote into its model.tar.gz."""
    archive = job.channel("canary") / "model.tar.gz"
    with tempfile.TemporaryDirectory() as folder:
        try:
            with tarfile.open(archive) as tar:
                tar.extract(CANARY_REPORT, folder, filter="data")
        except (OSError, tarfile.TarError, KeyError) as error:
            raise job.Refused(f"cannot read CanaryTrain's record from model.tar.gz: {error}") from error
        return load(Path(folder) / CANARY_REPORT, CanaryReport)


def _report(run: Run, mode: Literal["canary-train", "canary-resume"], start: int, end: int) -> CanaryReport:
    """What was measured, and the whole run projected from it: its steps, and a checkpoint every `save_minutes`."""
    plan, machine = run.bench.plan, TRAINING_INSTANCES[run.options.instance_type]
    p50 = run.pace.percentile(0.5)
    seconds = plan.steps * p50
    seconds *= 1 + run.checkpoint_seconds / (plan.saving.minutes * 60)
    hours = seconds / 3600
    on_gpu = torch.cuda.is_available()
    flops = plan.slots_per_step * plan.estimate.flops_per_token / p50
    return CanaryReport(
        mode=mode,
        start_step=start,
        end_step=end,
        seal_sha256=sha256_file(run.root / f"checkpoint-{end}" / SEAL),
        probe_losses=run.probe_losses,
        tokens_per_second=round(run.tokens_per_second, 1),
        slots_per_second=round(plan.slots_per_step / p50, 1),
        examples_per_second=round(plan.examples_per_step / p50, 3),
        achieved_tflops=round(flops / 1e12, 4),
        peak_tflops=machine.total_tflops if on_gpu else None,
        peak_allocated_gib=round(_peak_memory_gib(), 3),
        peak_reserved_gib=round(_peak_memory_gib(), 3),
        memory_limit_gib=None,
        step_seconds_p50=round(p50, 4),
        step_seconds_p95=round(run.pace.percentile(0.95), 4),
        loader_wait_share=round(run.pace.waiting_share, 4),
        evaluation_seconds=0.0,
        checkpoint_seconds=round(run.checkpoint_seconds, 3),
        projected_hours=round(hours, 4),
        projected_usd=round(hours * machine.usd_per_hour, 4),
    )


def _peak_memory_gib() -> float:
    """Peak memory reserved on the GPU, or this process's peak resident memory on a CPU."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_reserved() / 2**30
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def _refuse_unless_learning(losses: list[float]) -> None:
    """The mean loss of the last third, on one fixed batch, must be under that of the first third and under the start.

    The start counts too: a loss that explodes at once and then comes down half-way would pass on thirds alone.
    """
    third = max(1, len(losses) // 3)
    first, last = sum(losses[:third]) / third, sum(losses[-third:]) / third
    if not last < min(first, losses[0]):
        raise job.Refused(
            f"the canary is not learning: loss on one fixed batch was {losses[0]:.4f} before its first step, "
            f"{first:.4f} over the first third of its steps and {last:.4f} over the last. "
            "Lower LearningRate, or look at the data report."
        )


def _refuse_unless_fitting(report: CanaryReport, options: TrainOptions) -> None:
    """The measured speed must finish the plan within hours, dollars and the platform's limit, in the GPU's memory."""
    if torch.cuda.is_available():
        usable = MEMORY_SHARE * torch.cuda.get_device_properties(0).total_memory / 2**30
        if report.peak_reserved_gib > usable:
            raise job.Refused(
                f"peak memory {report.peak_reserved_gib:.1f} GiB is over {usable:.1f} GiB, {MEMORY_SHARE:.0%} of the GPU. "
                "Lower PackLength or LoraRank, or choose LoraTargets=attention."
            )
    platform_hours = (options.max_runtime_seconds - STOP_MARGIN_SECONDS) / 3600
    limits = [
        (report.projected_hours, options.max_training_hours, "hours", "MaxTrainingHours"),
        (report.projected_hours, platform_hours, "hours", "the platform's MaxRuntime less half an hour"),
        (report.projected_usd, options.max_cost_usd, "dollars", "MaxCostUsd"),
    ]
    over = [f"{value:.1f} {unit} over {name} ({limit:g})" for value, limit, unit, name in limits if value > limit]
    if over:
        raise job.Refused(
            f"at the measured {report.tokens_per_second:,.0f} tokens/s the run would take {' and '.join(over)}. "
            "Lower Epochs or MaxSteps, or raise the limit on purpose."
        )
