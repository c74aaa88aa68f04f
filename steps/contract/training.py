"""Reports of Preflight, TokenizeExamples, the canaries and TrainLora."""

from __future__ import annotations

import hashlib
import json
from typing import Literal

from pydantic import Field

from steps.contract.files import FileEntry, Report


class TokenFingerprint(Report):
    """What token shards depend on. The trainer refuses shards whose fingerprint is not its own."""

    tokenizer_sha256: str
    template: str
    languages: list[str]
    names: list[str] = Field(description="What prompts call the languages, in their order")
    max_length: int
    pack_length: int
    batching: str = Field(description="Strategy of steps.batching")
    prepared_sha256: str = Field(description="Over the split files the shards were made from")


class Estimate(Report):
    """Time and cost of a training run, from stated assumptions: slow and fast end, and what the lost run reached."""

    tokens: int = Field(description="Token slots, padding included")
    flops_per_token: float
    usd_per_hour: float
    tokens_per_second_low: float
    tokens_per_second_high: float
    hours_low: float
    hours_expected: float
    hours_high: float
    usd_low: float
    usd_expected: float
    usd_high: float
    assumptions: str


class MemoryEstimate(Report):
    """GPU memory of training, in GiB, by formula (`steps.memory`). What it says is an estimate until CanaryTrain measured."""

    gradient_checkpointing: bool
    slots: int = Field(description="Token slots of a micro-batch")
    weights: float
    adapters: float = Field(description="Weights, gradients and both AdamW moments of what is trained")
    activations: float
    logits: float
    overhead: float
    need: float
    available: float = Field(description="Share of the GPU's memory that may be planned with")
    longest: int = Field(description="Most token slots of a micro-batch that fit; 0 where not even one does")
    fits: bool
    advice: str = Field(description="Which lever to pull when it does not fit, else empty")

    @property
    def margin(self) -> float:
        """GiB left over; negative when it does not fit."""
        return self.available - self.need


class SavePlan(Report):
    """How often checkpoints are saved, whichever comes first, and what keeping all of them takes."""

    minutes: float
    steps: int
    checkpoints: int = Field(description="Expected over the whole run")
    checkpoint_mib: float
    total_gib: float
    restore_minutes: float = Field(description="To fetch all of them when a job starts again")


class TrainingPlan(Report):
    """What TrainLora is going to do. An optimiser step reads a fixed number of micro-batches of at most PackLength slots."""

    examples: int = Field(ge=1, description="Prompt-and-completion examples, both directions")
    too_long: int = Field(description="Examples over MaxLength, left out")
    tokens: int = Field(description="Real tokens in one epoch")
    slots: int = Field(description="Token slots of one epoch, padding included")
    fill: float = Field(gt=0, le=1, description="Share of token slots that hold a real token")
    micro_batches: int = Field(ge=1, description="Of one epoch")
    micro_batches_per_step: int = Field(ge=1)
    steps: int = Field(ge=1, description="Optimiser steps of the whole run")
    epochs: float
    estimate: Estimate
    memory: MemoryEstimate
    saving: SavePlan

    @property
    def tokens_per_step(self) -> float:
        """Real tokens of one optimiser step, on average."""
        return self.tokens * self.micro_batches_per_step / self.micro_batches

    @property
    def slots_per_step(self) -> float:
        """Token slots of one optimiser step, on average."""
        return self.slots * self.micro_batches_per_step / self.micro_batches

    @property
    def examples_per_step(self) -> float:
        """Examples of one optimiser step, on average."""
        return self.examples * self.micro_batches_per_step / self.micro_batches


class PreflightReport(Report):
    """Written when every check passed."""

    parameters: dict[str, str | int | float]
    corpus: str
    corpus_fingerprint: str
    base_model: str
    base_model_fingerprint: str
    estimate: Estimate
    memory: MemoryEstimate


class RunIdentity(Report):
    """What a checkpoint must share with a run that continues from it, else its weights mean something else."""

    base_model: str = Field(description="Fingerprint of the staged base model")
    lora_rank: int
    lora_targets: str
    rslora: bool
    lora_dropout: float
    learning_rate: float = Field(
        description="The schedule is restored with a checkpoint, so another peak would be ignored"
    )
    micro_batches_per_step: int
    seed: int
    tokens: TokenFingerprint


class Seal(Report):
    """Written last into a checkpoint: a checkpoint without a seal whose sums agree is not one."""

    step: int = Field(ge=0)
    loss: float = Field(description="Training loss of the last step")
    probe_loss: float = Field(description="Loss on one fixed batch, comparable between processes")
    seconds_used: float = Field(description="Training seconds so far, over all restarts")
    job: str = Field(description="The training job that wrote it; a restart of the same job shares its time limit")
    job_seconds: float = Field(description="Seconds of this job so far, over its restarts")
    identity: RunIdentity
    files: list[FileEntry]
    own_sha256: str = Field(description="Over all of the above, so that a seal vouches for itself too")

    def stamped(self) -> Seal:
        """The same seal with the sum that belongs to it."""
        return self.model_copy(update={"own_sha256": self._sum()})

    @property
    def is_as_written(self) -> bool:
        """Whether no number in it has changed since it was written."""
        return self.own_sha256 == self._sum()

    def _sum(self) -> str:
        values = self.model_dump(mode="json", exclude={"own_sha256"})
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


class CanaryReport(Report):
    """What a canary proved and measured. Hours and dollars are those of the whole run at the measured speed."""

    mode: Literal["canary-train", "canary-resume"]
    start_step: int
    end_step: int
    seal_sha256: str = Field(description="Of the seal written at end_step")
    probe_losses: list[float] = Field(description="Fixed-batch loss before the first and after every step")
    tokens_per_second: float = Field(description="Real tokens, padding not counted")
    slots_per_second: float = Field(description="Token slots, padding included")
    examples_per_second: float
    device: str = Field(description="What the measurements hold for, such as 1 x NVIDIA A10G")
    achieved_tflops: float
    peak_tflops: float | None = Field(
        description="Of the GPUs in use, dense bf16; None on a CPU, and on another GPU than the instance type's"
    )
    peak_allocated_gib: float = Field(description="Of the GPU; on a CPU peak resident memory of the process")
    peak_reserved_gib: float
    memory_limit_gib: float | None = Field(description="What may be used of the GPU; None on a CPU")
    step_seconds_p50: float
    step_seconds_p95: float
    loader_wait_share: float = Field(description="Share of step time spent waiting for data")
    evaluation_seconds: float = Field(description="One validation of the training curve")
    evaluation_share: float = Field(description="Share of the whole run that its validations would take")
    checkpoint_seconds: float = Field(description="To write one and seal it")
    projected_hours: float
    projected_usd: float = Field(description="At the on-demand price")

    @property
    def peak_share(self) -> float | None:
        """Share of the GPUs' peak that was reached; None where their peak is not known."""
        return None if self.peak_tflops is None else self.achieved_tflops / self.peak_tflops


class LossPoint(Report):
    """One point of the training curve."""

    step: int
    loss: float
    learning_rate: float


class PacePoint(Report):
    """Speed and memory at one point of the training curve."""

    step: int
    tokens_per_second: float = Field(description="Real tokens, by the median of the last 256 steps")
    memory_gib: float = Field(
        description="Peak of this process so far: allocated on the GPU, resident in the host's memory on a CPU"
    )


class TrainingReport(Report):
    """What TrainLora did, whatever ended it."""

    stop_reason: Literal["finished", "time limit", "signal"]
    steps: int
    planned_steps: int
    fraction: float = Field(ge=0, le=1)
    resumed_from: int = Field(description="Step of the checkpoint this process continued from, 0 for none")
    seconds_used: float
    tokens_per_second: float
    trainable_parameters: int
    train_loss: float
    validation_loss: float | None = Field(description="None where a signal left no time for it")
    curve: list[LossPoint]
    validation_curve: list[tuple[int, float]]
    pace_curve: list[PacePoint] = Field(default_factory=list, description="At the steps of `curve`")
    validation_share: float = Field(ge=0, le=1, description="Share of the split that the final validation had time for")
    checkpoints: list[int]
    fingerprint: TokenFingerprint
