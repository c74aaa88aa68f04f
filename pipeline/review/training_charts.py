"""Pictures of how the training went, beside its losses."""

from __future__ import annotations

from typing import Any

from pipeline.review.figure import TRAINED, svg
from steps.contract import TrainingReport


def learning_rate(training: TrainingReport) -> str:
    """The learning rate by optimiser step: its warm-up, its decay, and where a run that was cut short left it."""

    def draw(axes: Any) -> None:
        axes.plot(
            [point.step for point in training.curve],
            [point.learning_rate for point in training.curve],
            color=TRAINED,
            linewidth=1.6,
        )
        axes.set_xlabel("optimiser step")
        axes.set_ylabel("learning rate")
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(lambda rate, _: f"{rate:g}")

    return svg("rate", 2.0, draw)
