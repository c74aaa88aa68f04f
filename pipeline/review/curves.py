"""The curves of the training as a few numbers, where no picture can be shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from pipeline.review.wording import count, short
from steps.contract import TrainingReport


@dataclass(frozen=True)
class CurveSummary:
    """One curve: where it began, its middle value, its highest, and where it ended."""

    what: str
    first: str
    middle: str
    highest: str
    last: str


def summarised(training: TrainingReport) -> list[CurveSummary]:
    """The curves that the page draws; one that was not recorded is left out."""
    points, pace = training.curve, training.pace_curve
    curves: list[tuple[str, Sequence[float], Callable[[float], str]]] = [
        ("training loss", [point.loss for point in points], short),
        ("validation loss", [loss for _, loss in training.validation_curve], short),
        ("learning rate", [point.learning_rate for point in points], short),
        ("tokens per second", [point.tokens_per_second for point in pace], count),
        ("GiB, peak so far", [point.memory_gib for point in pace], "{:.2f}".format),
    ]
    return [
        CurveSummary(what, *(shown(value) for value in (values[0], median(values), max(values), values[-1])))
        for what, values, shown in curves
        if values
    ]
