"""What a run was made with, as its jobs were described."""

from __future__ import annotations

from pipeline.local.record import Execution, StepRecord


def images_of(execution: Execution) -> dict[str, str]:
    """`image of TrainLora` and its address, one entry for all steps that share an image."""
    steps: dict[str, list[str]] = {}
    for step in execution.steps:
        image = _image(step)
        if image:
            steps.setdefault(image, []).append(step.name)
    return {f"image of {', '.join(names)}": image for image, names in steps.items()}


def _image(step: StepRecord) -> str:
    """The field of DescribeProcessingJob or of DescribeTrainingJob; empty for a step without a job."""
    processing = step.describe.get("AppSpecification") or {}
    training = step.describe.get("AlgorithmSpecification") or {}
    return str(processing.get("ImageUri") or training.get("TrainingImage") or "")
