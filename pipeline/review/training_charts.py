"""Pictures of how the training went, beside its losses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.review.figure import BASE, LOST, TRAINED, legend, svg
from steps.contract import TrainingReport

WIDE, HIGH = 3.4, 2.3  # inches: three beside each other on a wide screen, in letters of the other pictures' size


def learning_rate(training: TrainingReport) -> str:
    """The learning rate by optimiser step: its warm-up, its decay, and where a run that was cut short left it."""
    points = [(point.step, point.learning_rate) for point in training.curve]
    return svg("rate", HIGH, lambda axes: _curve(axes, points, "learning rate"), WIDE)


def speed(training: TrainingReport) -> str:
    """Real tokens per second by optimiser step, as the median of the last steps, and that of the last process's steps."""
    points = [(point.step, point.tokens_per_second) for point in training.pace_curve]

    def draw(axes: Any) -> None:
        _level(axes, training.tokens_per_second, BASE, f"median {training.tokens_per_second:,.0f}")
        _curve(axes, points, "tokens per second")

    return svg("speed", HIGH, draw, WIDE)


def peak_memory(training: TrainingReport, limit: float | None) -> str:
    """Peak memory so far by optimiser step, in GiB; with what may be used of the GPU where there is one."""
    points = [(point.step, point.memory_gib) for point in training.pace_curve]

    def draw(axes: Any) -> None:
        if limit is not None:
            _level(axes, limit, LOST, f"may be used {limit:.1f}")
        _curve(axes, points, "GiB, peak so far")

    return svg("peak", HIGH, draw, WIDE)


def _level(axes: Any, value: float, colour: str, name: str) -> None:
    axes.axhline(value, color=colour, linewidth=1.4, linestyle=(0, (5, 4)), label=name)


def _curve(axes: Any, points: Sequence[tuple[int, float]], name: str) -> None:
    axes.plot([step for step, _ in points], [value for _, value in points], color=TRAINED, linewidth=1.6)
    axes.set_xlabel("optimiser step")
    axes.set_ylabel(name)
    axes.set_ylim(0, 1.08 * axes.dataLim.y1 if axes.dataLim.y1 > 0 else 1)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.10f}".rstrip("0").rstrip("."))
    legend(axes)
