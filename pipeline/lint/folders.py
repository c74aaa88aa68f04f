"""Folders inside the containers: where the service mounts, and no absolute path that a laptop could not create.

Sources: "Build your own processing container" (LocalPath begins with /opt/ml/processing/); steps find their root in
SAGEMAKER_BASE_DIR, so an absolute path in an argument would break the local run.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.definition import Definition, Step
from pipeline.lint.finding import Finding
from pipeline.lint.values import resolve
from pipeline.lint.walk import dig, rows, strings

MOUNT = "/opt/ml/processing/"
ROOT = "/opt/ml/"
READ_BY_STEPS = (
    ("Environment",),
    ("HyperParameters",),
    ("AppSpecification", "ContainerArguments"),
    ("AppSpecification", "ContainerEntrypoint"),
    ("AlgorithmSpecification", "ContainerArguments"),
    ("AlgorithmSpecification", "ContainerEntrypoint"),
)


def check_mounts(definition: Definition) -> Iterator[Finding]:
    """Inputs and outputs of processing steps are mounted below /opt/ml/processing/."""
    for step in definition.steps:
        if step.type == "Processing":
            for where, path in _mounts(step):
                folder = resolve(path, definition)
                if not isinstance(folder, str) or not folder.startswith(MOUNT):
                    problem = f"{folder!r} does not begin with {MOUNT}" if folder else "is missing"
                    yield Finding("local-path", where, problem, f"mount it at {MOUNT}input/<name> or output/<name>")


def _mounts(step: Step) -> Iterator[tuple[str, Any]]:
    place = f"Steps.{step.name}.Arguments"
    for index, row in enumerate(rows(step.arguments, "ProcessingInputs")):
        yield f"{place}.ProcessingInputs[{index}].S3Input.LocalPath", dig(row, "S3Input", "LocalPath")
    for index, row in enumerate(rows(step.arguments, "ProcessingOutputConfig", "Outputs")):
        yield f"{place}.ProcessingOutputConfig.Outputs[{index}].S3Output.LocalPath", dig(row, "S3Output", "LocalPath")


def check_absolute_paths(definition: Definition) -> Iterator[Finding]:
    """What a step reads as text names no folder below /opt/ml: its root is another one on a laptop."""
    for step in definition.steps:
        for keys in READ_BY_STEPS:
            place = f"Steps.{step.name}.Arguments.{'.'.join(keys)}"
            for text, where in strings(resolve(dig(step.arguments, *keys), definition), place):
                if ROOT in text:
                    problem = f"{text!r} is an absolute path that exists only inside SageMaker"
                    yield Finding("absolute-path", where, problem, "let the step build it with steps.job")
