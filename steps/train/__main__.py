"""One training job in one of three modes; SageMaker calls it with the argument `train`, which says nothing more."""

from __future__ import annotations

import time

from steps import job
from steps.budget import STOP_MARGIN_SECONDS
from steps.contract import ADAPTER_FOLDER, NONE_OBJECT, TRAINING_REPORT, TrainingReport, save
from steps.train import checkpoints
from steps.train.canary import canary_resume, canary_train
from steps.train.options import TrainOptions, read_options
from steps.train.setup import Workbench, load_adapter_weights, prepare
from steps.train.stopping import StopSignal
from steps.train.trainer import train
from steps.train.watch import VALIDATIONS, Run

EARLY_SAVE_SHARE = 0.05  # one checkpoint early, so that what is wrong with saving shows in the first minutes


def main() -> None:
    """Read the hyperparameters, load what the mode needs, run it."""
    started = time.monotonic()
    stop = StopSignal()
    stop.install()
    options = read_options(job.hyperparameters())
    job.event("started", mode=options.mode)
    bench = prepare(options)
    job.model_dir().mkdir(parents=True, exist_ok=True)
    if options.mode == "canary-train":
        report = canary_train(options, bench, stop, started)
        job.note(
            f"loss on one batch {report.probe_losses[0]:.3f} to {report.probe_losses[-1]:.3f}; "
            f"{report.tokens_per_second:,.0f} tokens/s, so {60 * report.projected_hours:,.1f} min for the whole run"
        )
    elif options.mode == "canary-resume":
        report = canary_resume(options, bench, stop, started)
        job.note(f"step {report.start_step} arrived sealed and whole, same loss; went on to step {report.end_step}")
    else:
        train_lora(options, bench, stop, started)


def train_lora(options: TrainOptions, bench: Workbench, stop: StopSignal, started: float) -> None:
    """The real run: from the newest sealed checkpoint to the plan's last step, the deadline or SIGTERM.

    Whichever of them ends it, the adapter and an honest report are written.
    """
    resume = _newest(bench)
    done = resume.seal.step if resume else 0
    job.event("resuming" if resume else "starting", step=done, planned_steps=bench.plan.steps)
    run = Run(
        options,
        bench,
        job.checkpoint_dir(),
        bench.plan.steps,
        stop,
        started,
        deadline_seconds=_deadline(options, resume.seal.seconds_used if resume else 0.0),
        save_every_seconds=60 * (options.save_minutes or bench.plan.saving.minutes),
        save_every_steps=options.save_steps or bench.plan.saving.steps,
        save_early_step=max(1, round(EARLY_SAVE_SHARE * bench.plan.steps)),
        validate_every=max(1, bench.plan.steps // VALIDATIONS),
    )
    if resume:
        run.continue_from(resume)
        load_adapter_weights(bench.model, resume.folder)
    last = train(run, resume) if done < bench.plan.steps else done
    _write_outcome(run, done, last)


def _newest(bench: Workbench) -> checkpoints.Sealed | None:
    """This run's own newest sealed checkpoint, else the newest of the run it was told to resume from.

    Raises Refused when it was told to resume and cannot: starting from nothing would cost the time that was to be saved.
    """
    own, _ = checkpoints.newest_sealed(job.checkpoint_dir(), bench.identity)
    other = job.channel("resume")
    if own or (other / NONE_OBJECT).is_file():
        return own
    found, reasons = checkpoints.newest_sealed(other, bench.identity)
    if found is None:
        why = "; ".join(reasons[:3]) or "there is no checkpoint in it"
        raise job.Refused(f"ResumeFrom names a run that cannot be continued: {why}. Correct it, or set it to none.")
    return found


def _deadline(options: TrainOptions, used: float) -> float:
    """Seconds this process may train: what is left of MaxTrainingHours, and the platform's limit less a margin."""
    left = options.max_training_hours * 3600 - used
    if left <= 0:
        raise job.Refused(
            f"the {used / 3600:.2f} hours already used are all of MaxTrainingHours={options.max_training_hours:g}. "
            "Raise it to train on from this checkpoint."
        )
    return min(left, options.max_runtime_seconds - STOP_MARGIN_SECONDS)


def _write_outcome(run: Run, resumed_from: int, last: int) -> None:
    """Adapter first, report last."""
    _write_adapter(run.bench)
    validation = run.validation_loss()
    report = TrainingReport(
        stop_reason=run.stop_reason,
        steps=last,
        planned_steps=run.total_steps,
        fraction=min(1.0, last / run.total_steps),
        resumed_from=resumed_from,
        seconds_used=round(run.seconds_used, 3),
        tokens_per_second=round(run.tokens_per_second, 1),
        trainable_parameters=run.bench.trainable,
        train_loss=run.last_loss,
        validation_loss=validation,
        curve=run.curve,
        validation_curve=run.validation_curve,
        validation_share=0.0 if validation is None else 1.0,
        checkpoints=checkpoints.steps_on_disk(run.root),
        fingerprint=run.bench.identity.tokens,
    )
    save(job.model_dir() / TRAINING_REPORT, report)
    if validation is not None:
        job.event("validation", step=last, loss=validation)
    loss = "not measured" if validation is None else f"{validation:.4f}"
    job.note(
        f"{last:,} of {run.total_steps:,} steps ({run.stop_reason}), validation loss {loss}, "
        f"{len(report.checkpoints)} checkpoints sealed"
    )


def _write_adapter(bench: Workbench) -> None:
    """The adapter under the base model's name instead of this machine's path, without peft's placeholder model card."""
    folder = job.model_dir() / ADAPTER_FOLDER
    for config in bench.model.peft_config.values():
        config.base_model_name_or_path = bench.base_name
    bench.model.save_pretrained(folder, save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)


if __name__ == "__main__":
    job.run(main)
