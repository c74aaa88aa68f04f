"""The curves of a run, kept in the trainer's own log so that they are part of every checkpoint and survive restarts."""

from __future__ import annotations

from typing import Any

from steps.contract import LossPoint, PacePoint

POINTS = 1_000  # a row per step would make every checkpoint of a long run 20 MB bigger

History = list[dict[str, Any]]


def keeps_point(step: int, total_steps: int) -> bool:
    """Whether a step's row stays in the log: about POINTS of them, with the first and the last."""
    return step % -(-total_steps // POINTS) == 0 or step in (1, total_steps)


def loss_points(history: History) -> list[LossPoint]:
    """Training loss by step."""
    return [
        LossPoint(step=int(row["step"]), loss=row["loss"], learning_rate=row["learning_rate"])
        for row in history
        if "loss" in row
    ]


def pace_points(history: History) -> list[PacePoint]:
    """Speed and memory by step; a checkpoint of before they were kept has none."""
    return [
        PacePoint(step=int(row["step"]), tokens_per_second=row["tokens_per_second"], memory_gib=row["memory_gib"])
        for row in history
        if "memory_gib" in row
    ]


def validation_points(history: History) -> list[tuple[int, float]]:
    """Step and validation loss."""
    return [(int(row["step"]), row["validation_loss"]) for row in history if "validation_loss" in row]
