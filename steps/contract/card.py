"""The model card of a registry entry, in the service's schema for cards of model packages.

Sources: developer guide, "Model card JSON schema" (limits of every field, at most 20 points of a graph) and "Model
package model card schema" (model_overview is only model_creator and model_artifact). Fields that the two editions of the
schema disagree on (objective function, hyperparameters) are left out.
"""

from __future__ import annotations

import json
import unicodedata
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from steps.contract.files import Report

CARD_LIMIT = 100_000  # characters of ModelCardContent
GRAPH_POINTS = 20
MAX_DATASETS = 10  # of an evaluation; a training may name 15
NAME, OBSERVATION, TRAINING_OBSERVATION, NOTE, METRIC_NAME, PASSAGE = 63, 2096, 1024, 1024, 255, 2048


def is_plain(text: str) -> bool:
    """One line without control, direction or private characters: ModelCardContent's pattern is `.*`, which ends at a line."""
    return not any(unicodedata.category(sign)[0] == "C" or unicodedata.category(sign) in ("Zl", "Zp") for sign in text)


def _plain(text: str) -> str:
    if not is_plain(text):
        raise ValueError("holds a line break, a control character or a mark of direction")
    return text


Name = Annotated[str, Field(min_length=1, max_length=NAME), AfterValidator(_plain)]
MetricName = Annotated[str, Field(min_length=1, max_length=METRIC_NAME), AfterValidator(_plain)]
Short = Annotated[str, Field(max_length=NAME), AfterValidator(_plain)]
Note = Annotated[str, Field(max_length=NOTE), AfterValidator(_plain)]
Passage = Annotated[str, Field(max_length=PASSAGE), AfterValidator(_plain)]


class NumberMetric(Report):
    """One number with a remark."""

    name: MetricName
    type: Literal["number"] = "number"
    value: float
    notes: Note = ""


class TextMetric(Report):
    """One short text."""

    name: MetricName
    type: Literal["string"] = "string"
    value: Short
    notes: Note = ""


class GraphMetric(Report):
    """A curve as [x, y] points."""

    name: MetricName
    type: Literal["linear_graph"] = "linear_graph"
    value: list[tuple[float, float]] = Field(min_length=1, max_length=GRAPH_POINTS)
    x_axis_name: Short
    y_axis_name: Short


Metric = Annotated[NumberMetric | TextMetric | GraphMetric, Field(discriminator="type")]


class MetricGroup(Report):
    """Metrics under one heading."""

    name: Name
    metric_data: list[Metric]


class TrainingMetric(Report):
    """One number of the training."""

    name: MetricName
    value: float
    notes: Note = ""


class ModelOverview(Report):
    """Who made it, and what it is made of."""

    model_creator: Note
    model_artifact: list[Note] = Field(max_length=15)


class IntendedUses(Report):
    """What it is for, and what not."""

    purpose_of_model: Passage
    intended_uses: Passage
    factors_affecting_model_efficiency: Passage
    risk_rating: Literal["High", "Medium", "Low", "Unknown"]
    explanations_for_risk_rating: Passage


class TrainingJobDetails(Report):
    """Data and numbers of the training."""

    training_datasets: list[Note] = Field(max_length=15)
    user_provided_training_metrics: list[TrainingMetric] = Field(max_length=50)


class TrainingDetails(Report):
    """How it was trained."""

    training_observations: Annotated[str, Field(max_length=TRAINING_OBSERVATION), AfterValidator(_plain)]
    training_job_details: TrainingJobDetails


class EvaluationDetails(Report):
    """One evaluation."""

    name: Name
    evaluation_observation: Annotated[str, Field(max_length=OBSERVATION), AfterValidator(_plain)]
    datasets: list[Note] = Field(default_factory=list, max_length=MAX_DATASETS)
    metric_groups: list[MetricGroup]


class AdditionalInformation(Report):
    """What whoever uses the model has to know."""

    caveats_and_recommendations: Passage
    custom_details: dict[str, Note]


class ModelCard(Report):
    """The whole card."""

    model_overview: ModelOverview
    intended_uses: IntendedUses
    training_details: TrainingDetails
    evaluation_details: list[EvaluationDetails]
    additional_information: AdditionalInformation

    @property
    def text(self) -> str:
        """The card as ModelCardContent wants it: JSON on one line."""
        return json.dumps(self.model_dump(mode="json"), ensure_ascii=False, allow_nan=False, separators=(",", ":"))


class CardText(Report):
    """A card that was written by `ModelCard.text`."""

    content: str = Field(max_length=CARD_LIMIT)


class RegistryEntry(Report):
    """registry-entry.json, the second property file: what RegisterModel takes from EvaluateModel beside the metadata.

    It is a file of its own so that it can hold the sum of the evaluation report, which cannot be in itself.
    """

    card: CardText
    digests: dict[Literal["evaluation", "data_report", "bundle"], str] = Field(
        description="`sha256:` and 64 hex digits each"
    )
