"""CanaryTrain and CanaryResume: prove on the real machine what the long run relies on."""

from __future__ import annotations

import math
import tarfile
import tempfile
from pathlib import Path
from typing import Literal

import torch

from steps import job
from steps.contract import CANARY_REPORT, SEAL, CanaryReport, load, save
from steps.sums import sha256_file
from steps.train import checkpoints, ranks
from steps.train.clock import Clock
from steps.train.limits import SMALLER, CanaryLimits, limits_of, passed_limits, remarks
from steps.train.measuring import begin_measuring, measure
from steps.train.options import TrainOptions
from steps.train.setup import Workbench, load_adapter_weights
from steps.train.stopping import StopSignal
from steps.train.trainer import train
from steps.train.watch import Run

SAME_LOSS = 1e-3  # relative; the same weights on the same batch, up to the arithmetic of another machine


def canary_train(options: TrainOptions, bench: Workbench, stop: StopSignal, started: float) -> CanaryReport:
    """Train a few steps from scratch, seal the result, and refuse a run that does not learn or does not fit."""
    root = job.checkpoint_dir()
    run = Run(options, bench, root, options.canary_steps, stop, Clock(started), probe_every_step=True)
    run.probe_losses.append(run.probe())
    last = _train(run, None)
    report = _measure_and_save(run, "canary-train", 0, last)
    _refuse_unless_learning(report.probe_losses)
    if ranks.rank() == 0:  # one voice: processes measure a little differently
        _refuse_unless_fitting(report, limits_of(options))
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
    run = Run(options, bench, root, record.end_step + steps, stop, Clock(started), probe_every_step=True)
    run.continue_from(sealed)
    load_adapter_weights(bench.model, folder)
    restored = run.probe()
    if not math.isclose(restored, sealed.seal.probe_loss, rel_tol=SAME_LOSS):
        raise job.Refused(
            f"the restored checkpoint gives loss {restored:.6f} on the fixed batch where {sealed.seal.probe_loss:.6f} was sealed"
        )
    run.probe_losses.append(restored)
    last = _train(run, sealed)
    return _measure_and_save(run, "canary-resume", record.end_step, last)


def _measure_and_save(run: Run, mode: Literal["canary-train", "canary-resume"], start: int, end: int) -> CanaryReport:
    """The report, on disk before anything is refused for it."""
    report = measure(run, mode, start, end)
    if ranks.rank() == 0:
        save(job.model_dir() / CANARY_REPORT, report)
    return report


def _train(run: Run, resume: checkpoints.Sealed | None) -> int:
    """A short run at a constant rate. Raises Refused when it was stopped or does not fit the GPU's memory."""
    begin_measuring()
    try:
        last = train(run, resume, constant_rate=True)
    except torch.OutOfMemoryError as error:
        raise job.Refused(f"the GPU's memory is too small: {str(error).splitlines()[0]} {SMALLER}") from error
    if last < run.total_steps:
        raise job.Refused(f"the canary was stopped at step {last} of {run.total_steps}")
    return last


def _recorded() -> CanaryReport:
    """What CanaryTrain wrote into its model.tar.gz."""
    archive = job.channel("canary") / "model.tar.gz"
    with tempfile.TemporaryDirectory() as folder:
        try:
            with tarfile.open(archive) as tar:
                content = tar.extractfile(CANARY_REPORT)
                (Path(folder) / CANARY_REPORT).write_bytes(content.read() if content else b"")
        except (OSError, tarfile.TarError, KeyError) as error:
            raise job.Refused(f"cannot read CanaryTrain's record from model.tar.gz: {error}") from error
        return load(Path(folder) / CANARY_REPORT, CanaryReport)


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


def _refuse_unless_fitting(report: CanaryReport, limits: CanaryLimits) -> None:
    """Say what is worth a word, and refuse with every limit that was passed."""
    for remark in remarks(report):
        job.event("remark", text=remark)
    problems = passed_limits(report, limits)
    if problems:
        raise job.Refused(" ".join(f"{problem[0].upper()}{problem[1:]}" for problem in problems))
