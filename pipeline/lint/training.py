"""Training that can be trusted for days: a chosen time limit, and checkpoints that leave the machine unharmed."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator

from pipeline.definition import Definition, Step
from pipeline.lint.finding import Finding
from pipeline.lint.order import needed_steps
from pipeline.lint.values import resolve
from pipeline.lint.walk import dig, rows

SDK_DEFAULT_SECONDS = 3600  # what ModelTrainer writes when nobody chose a StoppingCondition
CHECKPOINT_FOLDER = "/opt/ml/checkpoints"  # the API's default for CheckpointConfig.LocalPath


def _training(definition: Definition) -> list[Step]:
    return [step for step in definition.steps if step.type == "Training"]


def check_time_limit(definition: Definition) -> Iterator[Finding]:
    """A StoppingCondition that somebody chose."""
    for step in _training(definition):
        where = f"Steps.{step.name}.Arguments.StoppingCondition"
        seconds = resolve(dig(step.arguments, "StoppingCondition", "MaxRuntimeInSeconds"), definition)
        remedy = "set StoppingCondition(max_runtime_in_seconds=...) from settings"
        if seconds is None:
            yield Finding("stopping-condition", where, "is missing: the service would stop it after one day", remedy)
        elif seconds == SDK_DEFAULT_SECONDS:
            problem = "is 3600 seconds, the SDK's default; it looks forgotten, and ends a long run after an hour"
            yield Finding("stopping-condition", f"{where}.MaxRuntimeInSeconds", problem, remedy)


def check_image(definition: Definition) -> Iterator[Finding]:
    """A program to run: the shapes require neither image nor algorithm, the service requires one of them."""
    for step in _training(definition):
        what = dig(step.arguments, "AlgorithmSpecification")
        if not dig(what, "TrainingImage") and not dig(what, "AlgorithmName"):
            where = f"Steps.{step.name}.Arguments.AlgorithmSpecification.TrainingImage"
            yield Finding("missing-argument", where, "is missing, so there is nothing to run", "name the image")


def check_checkpoints(definition: Definition) -> Iterator[Finding]:
    """An address for checkpoints, and the folder the service synchronises with it."""
    for step in _training(definition):
        where = f"Steps.{step.name}.Arguments.CheckpointConfig"
        if not dig(step.arguments, "CheckpointConfig", "S3Uri"):
            problem = "has no S3Uri: checkpoints would die with the machine"
            yield Finding("checkpoints", f"{where}.S3Uri", problem, "give CheckpointConfig an address of its own")
        folder = resolve(dig(step.arguments, "CheckpointConfig", "LocalPath"), definition)
        if folder is not None and folder != CHECKPOINT_FOLDER and not str(folder).startswith(f"{CHECKPOINT_FOLDER}/"):
            problem = f"{folder!r} is not below {CHECKPOINT_FOLDER}, where the trainer saves"
            yield Finding("checkpoint-folder", f"{where}.LocalPath", problem, "leave it out, or use that folder")


def check_shared_checkpoints(definition: Definition) -> Iterator[Finding]:
    """Two jobs that may run at once never write to the same checkpoint address."""
    users: dict[str, list[str]] = defaultdict(list)
    for step in _training(definition):
        address = dig(step.arguments, "CheckpointConfig", "S3Uri")
        if address:
            users[json.dumps(resolve(address, definition))].append(step.name)
    before = needed_steps(definition)
    for address, names in users.items():
        for index, second in enumerate(names):
            for first in names[:index]:
                if first not in before[second] and second not in before[first]:
                    where = f"Steps.{second}.Arguments.CheckpointConfig.S3Uri"
                    problem = f"{first} may run at the same time and has the same address {address}"
                    remedy = "let one wait for the other, or part their addresses"
                    yield Finding("shared-checkpoints", where, problem, remedy)


def check_spot(definition: Definition) -> Iterator[Finding]:
    """A spot job has somewhere to go on from, a time to wait, and one machine type.

    Source: API reference of StoppingCondition and ResourceConfig: MaxWaitTimeInSeconds counts waiting and running, and
    InstancePreferences excludes EnableManagedSpotTraining.
    """
    for step in _training(definition):
        where = f"Steps.{step.name}.Arguments"
        spot = resolve(dig(step.arguments, "EnableManagedSpotTraining"), definition)
        limits = f"{where}.StoppingCondition.MaxWaitTimeInSeconds"
        wait = resolve(dig(step.arguments, "StoppingCondition", "MaxWaitTimeInSeconds"), definition)
        runs = resolve(dig(step.arguments, "StoppingCondition", "MaxRuntimeInSeconds"), definition)
        if spot is not True:
            if wait is not None:
                problem = "stands on a job that is not on spot machines; the service refuses it"
                yield Finding("spot", limits, problem, "set EnableManagedSpotTraining, or remove it")
            continue
        if not dig(step.arguments, "CheckpointConfig", "S3Uri"):
            problem = "asks for spot machines, and there is no CheckpointConfig: an interruption would lose everything"
            yield Finding(
                "spot", f"{where}.EnableManagedSpotTraining", problem, "give CheckpointConfig an address of its own"
            )
        if wait is None:
            problem = "is missing: nobody said how long the job may wait for a spot machine"
            yield Finding("spot", limits, problem, "set it to MaxRuntimeInSeconds and the hours you can wait")
        elif isinstance(wait, int) and isinstance(runs, int) and wait < runs:
            problem = f"is {wait}, under MaxRuntimeInSeconds={runs}; waiting includes running"
            yield Finding("spot", limits, problem, "raise it, or lower MaxRuntimeInSeconds")
        if dig(step.arguments, "ResourceConfig", "InstancePreferences"):
            problem = "cannot be had together with spot machines"
            remedy = "name one InstanceType, or train on demand"
            yield Finding("spot", f"{where}.ResourceConfig.InstancePreferences", problem, remedy)


def check_hosts(definition: Definition) -> Iterator[Finding]:
    """Jobs of one training image run on as many machines as each other, and every machine sees all of the data.

    A canary on another number of machines would measure another run, and the trainer itself shares out the micro-batches.
    """
    counts: dict[str, tuple[str, object]] = {}
    for step in _training(definition):
        where = f"Steps.{step.name}.Arguments"
        count = resolve(dig(step.arguments, "ResourceConfig", "InstanceCount"), definition)
        image = json.dumps(resolve(dig(step.arguments, "AlgorithmSpecification", "TrainingImage"), definition))
        first, expected = counts.setdefault(image, (step.name, count))
        if isinstance(count, int) and isinstance(expected, int) and count != expected:
            problem = f"is {count}, and {expected} in {first}, which runs the same image"
            yield Finding(
                "training-hosts", f"{where}.ResourceConfig.InstanceCount", problem, "give both the same number"
            )
        for index, row in enumerate(rows(step.arguments, "InputDataConfig")):
            spread = resolve(dig(row, "DataSource", "S3DataSource", "S3DataDistributionType"), definition)
            if isinstance(count, int) and count > 1 and spread == "ShardedByS3Key":
                place = f"{where}.InputDataConfig[{index}].DataSource.S3DataSource.S3DataDistributionType"
                problem = "gives each machine a part of the data, and the trainer shares out micro-batches of the whole"
                yield Finding("training-hosts", place, problem, "use FullyReplicated")
