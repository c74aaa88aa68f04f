"""Reports of EvaluateModel."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from steps.contract.files import Report

DECIDING_METRIC = "validation_loss"


class Score(Report):
    """One metric of one system in one direction, with its 95 % bootstrap interval over the sentences."""

    value: float
    low: float
    high: float
    signature: str


class Failures(Report):
    """The ways a system's translations broke, as shares of all of them, and how well lengths and marks were kept."""

    empty: float = Field(ge=0, le=1, description="Nothing, or punctuation alone where the reference has words")
    copied: float = Field(ge=0, le=1, description="The source said back")
    repetitive: float = Field(ge=0, le=1, description="A phrase three times in a row, and not so in the reference")
    untranslated: float = Field(ge=0, le=1, description="Half of the longer words left in the source language")
    broken: float = Field(ge=0, le=1, description="Any of these")
    length_ratio: float = Field(description="Characters over those of the references")
    dotted_recall: float | None = Field(
        description="Of words found but for their dots, the share with them; None without"
    )
    tone_recall: float | None = Field(description="The same for tone marks")


class DirectionScores(Report):
    """Scores of one direction, e.g. `en-ig`, for the trained model, the base model and the champion, on the same sentences."""

    direction: str
    sentences: int
    chrf: Score
    bleu: Score
    base_chrf: Score
    base_bleu: Score
    failures: Failures
    base_failures: Failures
    champion_chrf: Score | None = Field(default=None, description="None where no champion was compared with")
    champion_bleu: Score | None = None
    champion_failures: Failures | None = None
    validation_tokens: int | None = Field(
        default=None, description="Answer tokens of this direction that the losses are over; None for a benchmark"
    )
    validation_loss: float | None = Field(default=None, description="Nats per answer token, on the validation split")
    base_validation_loss: float | None = None
    champion_validation_loss: float | None = None


class Difference(Report):
    """The trained model against another on the same sentences in one direction, by paired bootstrap."""

    direction: str
    other: Literal["base", "champion"]
    chrf: float
    other_chrf: float
    difference: float
    low: float = Field(description="95 % interval of the difference")
    high: float
    p: float = Field(
        description="Share of resampled test sets on which the trained model holds up; small when it is worse"
    )


class RuleVerdict(Report):
    """One decided rule of the gate."""

    rule: str
    passed: bool
    value: float
    limit: float
    sentence: str


class GateVerdict(Report):
    """The evaluation's overall verdict; strings are ready for the Condition, the Fail message and the registry."""

    verdict: Literal["passed", "refused"]
    message: str = Field(max_length=1000)
    rules: list[RuleVerdict]
    undecided: str = Field(
        default="", description="Which rule was not decided, and why; empty when all were, and in a report of before"
    )


class Sample(Report):
    """One held-out sentence with its reference and the translation of every system; `chrf` is the trained model's."""

    direction: str
    source: str
    reference: str
    hypothesis: str
    base_hypothesis: str
    chrf: float
    champion_hypothesis: str | None = Field(default=None, description="None where no champion was compared with")
    champion_chrf: float | None = None

    @property
    def change(self) -> float | None:
        """chrF++ over the champion's translation of the sentence; None without a champion."""
        return None if self.champion_chrf is None else self.chrf - self.champion_chrf


class SampleSet(Report):
    """samples.json: translations of held-out sentences, in an order drawn by hash and never by score.

    The first n samples are therefore a fair draw of n. The worst of the whole test set, and those that changed most against
    the champion, are kept too, at their places.
    """

    total: int = Field(description="Translations of the whole test set, both directions")
    samples: list[Sample] = Field(max_length=500)
    showcase: list[Sample] = Field(max_length=5, description="The first five of the order, for a terminal")


class BenchmarkScores(Report):
    """Scores on an evaluation set of others, none of whose sentences was trained on."""

    name: str
    directions: list[DirectionScores]
    differences: list[Difference]


class ChampionManifest(Report):
    """What approval writes beside the champion's adapter."""

    package: str = Field(description="group/version")
    adapter_sha256: str = Field(description="Of the adapter's weights")
    adapter_config_sha256: str = Field(
        description="Of the adapter's configuration: its scale changes every translation"
    )
    base_model_sha256: str = Field(description="Fingerprint of the base model that it was evaluated on")
    approved: str = Field(description="Time of the approval, ISO 8601")


class TrainingCost(Report):
    """What the training cost, at a price that is an assumption: nobody has read a bill."""

    hours: float = Field(ge=0, description="Over all restarts")
    usd_per_hour: float = Field(ge=0)
    usd: float = Field(ge=0)
    purchase: Literal["on demand", "spot"]
    assumption: str = Field(description="Which price was taken, and what it leaves out")


class EvaluationReport(Report):
    """The property file: `metrics.validation_loss.value` and `gate.verdict` are what the Condition reads."""

    metrics: dict[str, dict[str, float]]
    directions: list[DirectionScores]
    differences: list[Difference] = Field(
        description="Against the base model, then against the champion if there is one"
    )
    benchmarks: list[BenchmarkScores] = Field(description="Beside the held-out split; the gate decides on the split")
    champion: str = Field(description="What was compared with, or 'none'")
    gate: GateVerdict
    cost: TrainingCost | None = Field(default=None, description="None in a report of before it was kept")
    registry: dict[str, str] = Field(description="Ready-made strings for CustomerMetadataProperties")

    @field_validator("metrics")
    @classmethod
    def _decides(cls, metrics: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
        if "value" not in metrics.get(DECIDING_METRIC, {}):
            raise ValueError(f"{DECIDING_METRIC}.value is missing, which the Condition reads")
        return metrics
