"""The three modes of a training job: the canaries' proofs and the real run."""

from __future__ import annotations

from steps import job
from steps.train.canary import canary_resume, canary_train
from steps.train.options import TrainOptions
from steps.train.real_run import train_lora
from steps.train.setup import Workbench
from steps.train.stopping import StopSignal


def perform(options: TrainOptions, bench: Workbench, stop: StopSignal, started: float) -> None:
    """Do what the job's mode asks for, and say in a sentence what came of it."""
    if options.mode == "canary-train":
        report, saving = canary_train(options, bench, stop, started), bench.plan.saving
        job.note(
            f"loss on one batch {report.probe_losses[0]:.3f} to {report.probe_losses[-1]:.3f}; "
            f"{report.tokens_per_second:,.0f} tokens/s, so {60 * report.projected_hours:,.1f} min for the whole run; "
            f"a checkpoint takes {report.checkpoint_seconds:.2g} s and {saving.checkpoint_mib:,.1f} MiB, every "
            f"{options.save_minutes or saving.minutes:g} min, {saving.total_gib:,.2g} GiB in all"
        )
    elif options.mode == "canary-resume":
        report = canary_resume(options, bench, stop, started)
        job.note(f"step {report.start_step} arrived sealed and whole, same loss; went on to step {report.end_step}")
    else:
        train_lora(options, bench, stop, started)
