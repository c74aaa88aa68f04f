"""TrainLora: from the newest sealed checkpoint to the plan's last step, the deadline or SIGTERM."""

from __future__ import annotations

from steps import job
from steps.contract import NONE_OBJECT
from steps.train import checkpoints, ranks
from steps.train.clock import lost_seconds, set_clock
from steps.train.options import TrainOptions
from steps.train.outcome import write_outcome
from steps.train.setup import Workbench, load_adapter_weights
from steps.train.stopping import StopSignal
from steps.train.trainer import train
from steps.train.watch import VALIDATIONS, Run

EARLY_SAVE_SHARE = 0.05  # one checkpoint early, so that what is wrong with saving shows in the first minutes


def train_lora(options: TrainOptions, bench: Workbench, stop: StopSignal, started: float) -> None:
    """Train as far as there is time. Whatever ends it, the adapter and an honest report are written.

    Raises Refused where a run cannot be continued, where there is no time for a first step, and where it diverges.
    """
    root, steps, saving = job.checkpoint_dir(), bench.plan.steps, bench.plan.saving
    save_seconds = 60 * (options.save_minutes or saving.minutes)
    save_steps = options.save_steps or saving.steps
    resume = _newest(bench)
    done = resume.seal.step if resume else 0
    if done > steps:
        raise job.Refused(
            f"the newest checkpoint is of step {done:,} and the plan has only {steps:,}: raise Epochs or MaxSteps, or start "
            "with a folder of its own."
        )
    unfinished = resume is not None and done < steps
    lost = lost_seconds(resume.seal, save_seconds, save_steps) if resume and unfinished else 0.0
    job.event(
        "resuming" if resume else "starting",
        step=done,
        planned_steps=steps,
        save_minutes=save_seconds / 60,
        save_steps=save_steps,
        checkpoint_mib=saving.checkpoint_mib,
        checkpoints_gib=saving.total_gib,
        seconds_charged=round(lost, 3),
    )
    early = max(1, round(EARLY_SAVE_SHARE * steps))
    run = Run(
        options,
        bench,
        root,
        steps,
        stop,
        set_clock(options, started, resume.seal if resume else None, lost),
        save_every_seconds=save_seconds,
        save_every_steps=save_steps,
        # a run that another one began has nothing in its own folder yet
        save_early_step=done + early if resume and resume.folder.parent != root else early,
        validate_every=max(1, steps // VALIDATIONS),
    )
    if resume:
        run.continue_from(resume)
        load_adapter_weights(bench.model, resume.folder)
    write_outcome(run, done, train(run, resume) if done < steps and _has_time(run, resume) else done)


def _newest(bench: Workbench) -> checkpoints.Sealed | None:
    """This run's own newest sealed checkpoint, else the newest of the run it was told to resume from.

    Raises Refused when it was told to resume and cannot: starting from nothing would cost the time that was to be saved.
    """
    checkpoints.refuse_foreign(job.checkpoint_dir(), bench.identity)
    own, _ = checkpoints.newest_sealed(job.checkpoint_dir(), bench.identity)
    other = job.channel("resume")
    if own or (other / NONE_OBJECT).is_file():
        return own
    found, reasons = checkpoints.newest_sealed(other, bench.identity)
    if found is None:
        why = "; ".join(reasons[:3]) or "there is no checkpoint in it"
        raise job.Refused(f"ResumeFrom names a run that cannot be continued: {why}. Correct it, or set it to none.")
    return found


def _has_time(run: Run, resume: checkpoints.Sealed | None) -> bool:
    """Whether there is time to train on; an earlier process of this run may have used it all and then been killed.

    Raises Refused where nothing of this run's own has been trained: then a limit is to be raised, and it says which.
    """
    (late,) = ranks.agree(run.bench.model.device, run.is_late)
    if not late:
        return True
    if resume and resume.folder.parent == run.root:
        run.stop_reason = "time limit"
        job.event("stopping", reason="time limit", step=resume.seal.step)
        return False
    options, used = run.options, run.clock.run_before / 3600
    if used >= options.max_training_hours:
        raise job.Refused(
            f"the {used:.2f} hours already used are all of MaxTrainingHours={options.max_training_hours:g}. "
            "Raise it to train on from this checkpoint."
        )
    raise job.Refused(
        f"there is no time to train: {used:.2f} of MaxTrainingHours={options.max_training_hours:g} are used, and training "
        f"stops {options.stop_margin_minutes:g} minutes before the platform's limit of "
        f"{options.max_runtime_seconds / 3600:g} hours. Raise the one that is too short."
    )
