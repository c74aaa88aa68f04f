"""CanaryTrain, CanaryResume and TrainLora: one image, one program, three modes.

The canaries prove on the real machine what the long run relies on: that it learns, fits, is fast enough, and that a
checkpoint really arrives in S3 and comes back. They share a checkpoint address of their own, apart from the real run's.
"""

from __future__ import annotations

from typing import Any

from sagemaker.mlops.workflow.steps import ProcessingStep, Step, TrainingStep

from pipeline.stages.blocks import HOUR, Blueprint, training_step

CANARY_STEPS = 12


def _hyperparameters(plan: Blueprint, mode: str) -> dict[str, Any]:
    """What the container reads; every value reaches it as a string. The mode apart, the same for all three jobs.

    `max_runtime_seconds` is the platform's limit for TrainLora, which a container cannot see: the trainer stops
    `stop_margin_minutes` before it, and CanaryTrain refuses a run that would not fit it.
    """
    return plan.text(
        "LearningRate",
        "LoraRank",
        "LoraTargets",
        "MaxTrainingHours",
        "MaxCostUsd",
        "Seed",
        "TrainingInstanceType",
    ) | {
        "Levers": plan.settings.levers.text(),
        "mode": mode,
        "canary_steps": CANARY_STEPS,
        "save_total_limit": None,  # keep every checkpoint: deleting one locally deletes it in S3
        "max_runtime_seconds": plan.settings.max_runtime_hours * HOUR,
        "stop_margin_minutes": plan.settings.stop_margin_minutes,
    }


def _inputs(plan: Blueprint, tokenize: ProcessingStep) -> dict[str, Any]:
    return {
        "model": plan.parameters["BaseModelUri"],
        "tokens": tokenize.properties.ProcessingOutputConfig.Outputs["tokens"].S3Output.S3Uri,
    }


def build_canary_train(plan: Blueprint, tokenize: ProcessingStep) -> TrainingStep:
    """A few steps of the real run: learns, fits, is fast enough; leaves a sealed checkpoint and a record of it."""
    return training_step(
        plan,
        "CanaryTrain",
        description="A few real steps: is the loss falling, does it fit, is it fast enough; seals a checkpoint",
        channels=_inputs(plan, tokenize),
        hyperparameters=_hyperparameters(plan, "canary-train"),
        checkpoints="canary-checkpoints",
        max_runtime_seconds=2 * HOUR,
        after=[tokenize],
    )


def build_canary_resume(plan: Blueprint, tokenize: ProcessingStep, canary: TrainingStep) -> TrainingStep:
    """A new machine with the same checkpoint address must find what CanaryTrain recorded and go on from it."""
    return training_step(
        plan,
        "CanaryResume",
        description="Proves that the checkpoint arrived: continues from CanaryTrain's step and loss on a new machine",
        channels=_inputs(plan, tokenize) | {"canary": canary.properties.ModelArtifacts.S3ModelArtifacts},
        hyperparameters=_hyperparameters(plan, "canary-resume"),
        checkpoints="canary-checkpoints",
        max_runtime_seconds=2 * HOUR,
        after=[canary],
    )


def build_train(plan: Blueprint, tokenize: ProcessingStep, after: Step) -> TrainingStep:
    """The long run, on spot machines where the settings say so: its checkpoints outlive each of them."""
    spot = plan.settings.spot
    return training_step(
        plan,
        "TrainLora",
        description="LoRA fine-tuning; checkpoints go to S3 while it runs, and it stops itself in time",
        channels=_inputs(plan, tokenize) | {"resume": plan.address("checkpoints", plan.parameters["ResumeFrom"], "")},
        hyperparameters=_hyperparameters(plan, "train"),
        checkpoints="checkpoints",
        max_runtime_seconds=plan.settings.max_runtime_hours * HOUR,
        max_wait_seconds=spot.max_wait_hours * HOUR if spot.enabled else None,
        after=[after],
    )
