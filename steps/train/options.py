"""Hyperparameters as the trainer uses them: decoded from strings, typed, checked."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from steps import job
from steps.levers import Levers, read_levers
from steps.parameters import BY_NAME

Mode = Literal["canary-train", "canary-resume", "train"]


class TrainOptions(BaseModel):
    """One training job. Hours and dollars limit the whole run; `max_runtime_seconds` is the platform's limit for TrainLora."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Mode
    learning_rate: float
    lora_rank: int
    lora_targets: Literal["attention", "all-linear"]
    max_training_hours: float
    max_cost_usd: float
    seed: int
    instance_type: str
    canary_steps: int
    save_minutes: float | None = Field(default=None, gt=0)
    """None: as often as the plan says."""
    save_steps: int | None = Field(default=None, ge=1)
    save_total_limit: int | None
    """Always None: a checkpoint that is deleted here is deleted in S3."""
    max_runtime_seconds: float
    stop_margin_minutes: float = Field(default=30, ge=30)
    """Training stops itself this long before the platform's limit, whose clock starts before this program."""
    levers: Levers

    @field_validator("save_total_limit")
    @classmethod
    def _keeps_all(cls, limit: int | None) -> None:
        if limit is not None:
            raise ValueError(f"must be null, not {limit}: a checkpoint that is deleted here is deleted in S3 too")


NAMES = {  # run-time parameter -> field
    "LearningRate": "learning_rate",
    "LoraRank": "lora_rank",
    "LoraTargets": "lora_targets",
    "MaxTrainingHours": "max_training_hours",
    "MaxCostUsd": "max_cost_usd",
    "Seed": "seed",
    "TrainingInstanceType": "instance_type",
}


def read_options(raw: dict[str, str]) -> TrainOptions:
    """Options from a container's hyperparameters, all of which are strings. Raises Refused with every problem."""
    levers = read_levers(raw.get("Levers", "{}"))
    values = {
        NAMES.get(name, name): job.parameter(name, raw) if name in BY_NAME else job.decode(text)
        for name, text in raw.items()
        if name != "Levers"
    }
    try:
        return TrainOptions.model_validate(values | {"levers": levers})
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise job.Refused(f"hyperparameters refused: {problems}") from error
