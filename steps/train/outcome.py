"""What a run leaves: the adapter first, then as much validation as there is time for, then an honest report."""

from __future__ import annotations

from steps import job
from steps.contract import ADAPTER_FOLDER, TRAINING_REPORT, TrainingReport, save
from steps.train import ranks
from steps.train.checkpoints import sealed_steps
from steps.train.losses import last_validation, refuse_no_number
from steps.train.setup import Workbench
from steps.train.watch import Run


def write_outcome(run: Run, resumed_from: int, last: int) -> None:
    """Write adapter and report of a run that has come to step `last`, whatever ended it."""
    if ranks.rank() == 0:
        _write_adapter(run.bench)
    validation = last_validation(run.bench, run.stop, run.clock)
    if validation:
        refuse_no_number(validation.loss, run.last_loss)
    if ranks.rank() == 0:
        report = TrainingReport(
            stop_reason=run.stop_reason,
            steps=last,
            planned_steps=run.total_steps,
            fraction=min(1.0, last / run.total_steps),
            resumed_from=resumed_from,
            seconds_used=round(run.clock.run_seconds, 3),
            tokens_per_second=round(run.tokens_per_second, 1),
            trainable_parameters=run.bench.trainable,
            train_loss=run.last_loss,
            validation_loss=validation.loss if validation else None,
            curve=run.curve,
            pace_curve=run.pace_curve,
            validation_curve=run.validation_curve,
            validation_share=round(validation.share, 4) if validation else 0.0,
            checkpoints=sealed_steps(run.root),
            fingerprint=run.bench.identity.tokens,
        )
        save(job.model_dir() / TRAINING_REPORT, report)
        _say(report)
    ranks.wait_for_all()


def _say(report: TrainingReport) -> None:
    loss = "not measured"
    if report.validation_loss is not None:
        share = report.validation_share
        job.event("validation", step=report.steps, loss=report.validation_loss, share=share)
        loss = f"{report.validation_loss:.4f}" + (f" on {share:.0%} of the split" if share < 1 else "")
    job.note(
        f"{report.steps:,} of {report.planned_steps:,} steps ({report.stop_reason}), validation loss {loss}, "
        f"{len(report.checkpoints)} checkpoints sealed"
    )


def _write_adapter(bench: Workbench) -> None:
    """The adapter under the base model's name instead of this machine's path, without peft's placeholder model card."""
    folder = job.model_dir() / ADAPTER_FOLDER
    for config in bench.model.peft_config.values():
        config.base_model_name_or_path = bench.base_name
    bench.model.save_pretrained(folder, save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)
