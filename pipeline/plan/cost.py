"""Time and money of a run by a definition alone: what the training takes by formula, and what the limits allow at most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.definition import Definition
from pipeline.errors import AsusuError
from pipeline.estimate import Answer, Question, answer
from pipeline.lint.values import resolve
from pipeline.lint.walk import dig
from pipeline.preflight.jobs import jobs_of, with_values
from pipeline.review.wording import percent
from steps.contract import ModelShape
from steps.instances import TRAINING_INSTANCES
from steps.job import Refused
from steps.levers import read_levers
from steps.parameters import Value

HOUR = 3600


class Unknown(AsusuError):
    """A definition does not say what the formulas need."""


@dataclass(frozen=True)
class Work:
    """The work that both runs are judged by."""

    examples: int
    tokens_per_example: float
    shape: ModelShape
    interruptions_per_day: float = 1.0


@dataclass(frozen=True)
class Ceiling:
    """What the jobs may take at most by their own time limits. `unpriced` are machines without a known price."""

    hours: float
    usd: float
    unpriced: tuple[str, ...]


def ceiling(definition: Definition, parameters: Mapping[str, str]) -> Ceiling:
    """Hours and dollars if every job ran into its limit; the training's is MaxTrainingHours where that comes first."""
    hours, usd, unpriced = 0.0, 0.0, []
    for job in jobs_of(definition, parameters):
        each = (job.seconds or 0) / HOUR
        if job.step == _training(definition):
            each = min(each, _float(_values(definition, parameters).get("MaxTrainingHours"), each))
        hours += each
        if job.instance_type in TRAINING_INSTANCES:
            usd += each * job.instances * TRAINING_INSTANCES[job.instance_type].usd_per_hour
        else:
            unpriced.append(job.instance_type)
    return Ceiling(hours, usd, tuple(sorted(set(unpriced))))


def training(definition: Definition, parameters: Mapping[str, str], work: Work) -> Answer:
    """What the formulas of `asusu estimate` say of the long training. Raises Unknown where the definition lacks a value."""
    values = _values(definition, parameters)
    step = _training(definition)
    if not step:
        raise Unknown("it has no training step with the mode `train`")
    assumed = with_values(definition, parameters)
    told: Any = resolve(definition.step(step).arguments, assumed)
    instance = str(values.get("TrainingInstanceType"))
    if instance not in TRAINING_INSTANCES:
        raise Unknown(f"nobody wrote down speed and price of {instance}")
    try:
        question = Question(
            examples=work.examples,
            tokens_per_example=work.tokens_per_example,
            shape=work.shape,
            values=values,
            levers=read_levers(str(dig(told, "HyperParameters", "Levers"))),
            hosts=int(dig(told, "ResourceConfig", "InstanceCount")),
            platform_hours=float(dig(told, "StoppingCondition", "MaxRuntimeInSeconds")) / HOUR,
            margin_hours=float(dig(told, "HyperParameters", "stop_margin_minutes")) / 60,
            interruptions_per_day=work.interruptions_per_day,
        )
        return answer(question)
    except KeyError as error:
        raise Unknown(f"it has no parameter {error.args[0]}") from error
    except (TypeError, ValueError, ArithmeticError, Refused) as error:
        raise Unknown(f"its training step says something that cannot be understood: {error}") from error


def ended_early(definition: Definition, parameters: Mapping[str, str], work: Work) -> str:
    """What ends the training before the work is done, empty where nothing does. Raises Unknown as `training` does."""
    steps = _values(definition, parameters).get("MaxSteps")
    ours = training(definition, parameters, work)
    whole = training(definition, {**parameters, "MaxSteps": "0"}, work)
    if ours.time.tokens >= whole.time.tokens:
        return ""
    return f"MaxSteps={steps} ends it at {percent(ours.time.tokens, whole.time.tokens)} of its Epochs"


def _training(definition: Definition) -> str:
    """The long training's step: the one that is told the mode `train`."""
    for step in definition.steps:
        if step.type == "Training" and dig(step.arguments, "HyperParameters", "mode") == "train":
            return step.name
    return ""


def _values(definition: Definition, parameters: Mapping[str, str]) -> dict[str, Value]:
    """Run-time parameters as a start with these values sees them; those without a value are left out."""
    rows = with_values(definition, parameters).parameters
    return {row.name: row.default for row in rows if row.default is not None}


def _float(value: Any, otherwise: float) -> float:
    return float(value) if isinstance(value, int | float) else otherwise
