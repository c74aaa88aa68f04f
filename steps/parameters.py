"""Run-time parameters: the one table of what a person may set when starting an execution.

From this table come the definition's Parameters, the checks of Preflight, `asusu params` and the errors of `--param`.
The service knows types, defaults and string choices but no ranges, so ranges are checked by the command line and,
for executions started from the console, by Preflight.
"""

from __future__ import annotations

import math
import re
from typing import Literal

from pydantic import BaseModel, ConfigDict

from steps.instances import TRAINING_INSTANCES

Value = str | int | float
S3_FOLDER = r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/[A-Za-z0-9!_.*'()=-]+)+"


class ParameterError(ValueError):
    """A value that the table does not allow; the message names the parameter and what is allowed."""


class Parameter(BaseModel):
    """One row of the table. `default=None` means the caller must give a value."""

    model_config = ConfigDict(frozen=True)

    name: str
    type: Literal["String", "Integer", "Float"]
    help: str
    default: Value | None = None
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    pattern: str = ""
    unit: str = ""
    example: str = ""

    @property
    def _least(self) -> float:
        return -math.inf if self.minimum is None else self.minimum

    @property
    def _most(self) -> float:
        return math.inf if self.maximum is None else self.maximum

    @property
    def allowed(self) -> str:
        """What may be given, in words."""
        if self.choices:
            return "one of " + ", ".join(self.choices)
        if self.minimum is not None:
            unit = f" {self.unit}" if self.unit else ""
            return f"{_plain(self._least)} to {_plain(self._most)}{unit}"
        if self.pattern:
            return f"a value like {self.example}"
        return self.type

    def parse(self, text: str) -> Value:
        """The typed value. Raises ParameterError with the name, the value and what is allowed."""
        value: Value
        try:
            if self.type != "String" and not re.fullmatch(r"[-+.0-9a-zA-Z]+", text):
                raise ValueError  # Python would take 1_0 and " 30", the service does not
            value = {"String": str, "Integer": int, "Float": float}[self.type](text)
        except ValueError:
            kind = {"Integer": "a whole number", "Float": "a number"}[self.type]
            raise ParameterError(f"{self.name}={text!r} is not {kind}; allowed: {self.allowed}") from None
        if isinstance(value, float) and not math.isfinite(value):
            raise ParameterError(f"{self.name}={text!r} is not finite; allowed: {self.allowed}")
        if not isinstance(value, str) and not self._least <= value <= self._most:
            raise ParameterError(f"{self.name}={text} is out of range; allowed: {self.allowed}")
        if self.choices and value not in self.choices:
            raise ParameterError(f"{self.name}={text!r} is not a choice; allowed: {self.allowed}")
        if self.pattern and not re.fullmatch(self.pattern, str(value)):
            raise ParameterError(f"{self.name}={text!r} is not understood; allowed: {self.allowed}")
        return value


def _plain(number: float) -> str:
    return f"{int(number):,}" if number == int(number) else f"{number:g}"


PARAMETERS: tuple[Parameter, ...] = (
    Parameter(
        name="CorpusUri",
        type="String",
        pattern=S3_FOLDER,
        example="s3://bucket/corpora/1f0c0a",
        help="Published corpus: a content-hashed folder with manifest.json and data/",
    ),
    Parameter(
        name="BaseModelUri",
        type="String",
        pattern=S3_FOLDER,
        example="s3://bucket/base-models/9ab30b",
        help="Staged base model: a content-hashed folder with manifest.json, model/ and tokenizer/",
    ),
    Parameter(
        name="TrainingInstanceType",
        type="String",
        default="ml.g5.xlarge",
        choices=tuple(TRAINING_INSTANCES),
        help="Machine for the canaries and the training; ml.g5.12xlarge has four GPUs, the others one",
    ),
    Parameter(
        name="Epochs",
        type="Float",
        default=1.0,
        minimum=0.01,
        maximum=100,
        help="Times the training split is read; MaxSteps may end it earlier",
        unit="epochs",
    ),
    Parameter(
        name="MaxSteps",
        type="Integer",
        default=0,
        minimum=0,
        maximum=10_000_000,
        help="Optimiser steps at most; 0 leaves it to Epochs",
        unit="steps",
    ),
    Parameter(
        name="LearningRate",
        type="Float",
        default=2e-4,
        minimum=1e-6,
        maximum=0.05,
        help="Peak learning rate of the cosine schedule",
    ),
    Parameter(
        name="LoraRank",
        type="Integer",
        default=16,
        minimum=1,
        maximum=256,
        help="Rank of the LoRA matrices; alpha is twice the rank",
    ),
    Parameter(
        name="LoraTargets",
        type="String",
        default="attention",
        choices=("attention", "all-linear"),
        help="Adapted layers: q and v projections, or every linear layer (more memory)",
    ),
    Parameter(
        name="MaxLength",
        type="Integer",
        default=256,
        minimum=16,
        maximum=4096,
        help="Longer examples are left out, never cut",
        unit="tokens",
    ),
    Parameter(
        name="PackLength",
        type="Integer",
        default=1024,
        minimum=64,
        maximum=8192,
        help="Examples are packed into rows of this length",
        unit="tokens",
    ),
    Parameter(
        name="TokensPerStep",
        type="Integer",
        default=4096,
        minimum=64,
        maximum=1_048_576,
        help="Token slots per optimiser step; a multiple of PackLength",
        unit="tokens",
    ),
    Parameter(
        name="MaxValidationLoss",
        type="Float",
        default=1.6,
        minimum=0.001,
        maximum=20,
        help="The gate: the model is registered at or under this loss",
        unit="nats per target token",
    ),
    Parameter(
        name="MinTrainingFraction",
        type="Float",
        default=0.9,
        minimum=0.0,
        maximum=1.0,
        help="The gate: share of the planned steps that must have been trained",
    ),
    Parameter(
        name="MaxBrokenShare",
        type="Float",
        default=0.05,
        minimum=0.0,
        maximum=1.0,
        help="The gate: share of the translations that may be empty, copied, looping or left in the source language",
    ),
    Parameter(
        name="MaxTrainingHours",
        type="Float",
        default=24.0,
        minimum=0.01,
        maximum=672,
        help="The trainer stops itself in time for this; a longer plan is refused",
        unit="hours",
    ),
    Parameter(
        name="MaxCostUsd",
        type="Float",
        default=100.0,
        minimum=0.01,
        maximum=100_000,
        help="A plan whose training would cost more is refused",
        unit="US dollars",
    ),
    Parameter(
        name="Seed",
        type="Integer",
        default=17,
        minimum=0,
        maximum=2_147_483_647,
        help="Seeds the split, the order of the data and the adapter",
    ),
    Parameter(
        name="ResumeFrom",
        type="String",
        default="none",
        pattern=r"none|[A-Za-z0-9-]{1,63}(/checkpoint-[0-9]+)?",
        example="none, or iety1bhrv1e2, or iety1bhrv1e2/checkpoint-500",
        help="Earlier execution whose newest sealed checkpoint TrainLora continues from",
    ),
)

BY_NAME: dict[str, Parameter] = {row.name: row for row in PARAMETERS}


def parse_value(name: str, text: str) -> Value:
    """The typed value of one parameter. Raises ParameterError for an unknown name or a value not allowed."""
    row = BY_NAME.get(name)
    if row is None:
        raise ParameterError(f"unknown parameter {name!r}; known: {', '.join(BY_NAME)}")
    return row.parse(text)


def check_all(given: dict[str, str]) -> list[str]:
    """Every problem in a set of given values, each one sentence; an empty list when all is well."""
    problems = []
    values: dict[str, Value] = {row.name: row.default for row in PARAMETERS if row.default is not None}
    for name, text in given.items():
        try:
            values[name] = parse_value(name, text)
        except ParameterError as error:
            problems.append(str(error))
    pack, step, longest = values.get("PackLength"), values.get("TokensPerStep"), values.get("MaxLength")
    if isinstance(pack, int) and isinstance(step, int) and isinstance(longest, int):
        if step % pack:
            problems.append(f"TokensPerStep={step} is not a multiple of PackLength={pack}")
        if longest > pack:
            problems.append(f"MaxLength={longest} does not fit into PackLength={pack}")
    return problems
