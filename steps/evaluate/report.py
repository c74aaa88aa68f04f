"""The evaluation report: numbers for the Condition, scores per direction, verdicts, strings for the registry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from steps.contract import (
    BenchmarkScores,
    Difference,
    DirectionScores,
    EvaluationReport,
    GateVerdict,
    TrainingReport,
)
from steps.evaluate.gate import SIDES
from steps.evaluate.registry import Origin, describe
from steps.evaluate.systems import BASE, CHAMPION, TRAINED


def build_report(
    *,
    gate: GateVerdict,
    losses: Mapping[str, float],
    scores: tuple[DirectionScores, DirectionScores],
    differences: Sequence[Difference],
    benchmarks: Sequence[BenchmarkScores],
    champion: str,
    origin: Origin,
) -> EvaluationReport:
    """Put together what was measured and decided; no number is computed here."""
    return EvaluationReport(
        metrics={
            name: {"value": value} for name, value in _metrics(losses, scores, differences, origin.training).items()
        },
        directions=list(scores),
        differences=list(differences),
        benchmarks=list(benchmarks),
        champion=champion,
        gate=gate,
        registry=describe(gate, losses[TRAINED], scores, champion, origin),
    )


def _metrics(
    losses: Mapping[str, float],
    scores: tuple[DirectionScores, DirectionScores],
    differences: Sequence[Difference],
    training: TrainingReport,
) -> dict[str, float]:
    metrics = {
        "validation_loss": losses[TRAINED],
        "validation_loss_base": losses[BASE],
        "training_fraction": training.fraction,
    }
    if CHAMPION in losses:
        metrics["validation_loss_champion"] = losses[CHAMPION]
    for side, direction in zip(SIDES, scores, strict=True):
        metrics |= {
            f"chrf_{side}": direction.chrf.value,
            f"bleu_{side}": direction.bleu.value,
            f"chrf_base_{side}": direction.base_chrf.value,
            f"bleu_base_{side}": direction.base_bleu.value,
        }
        metrics[f"broken_{side}"] = direction.failures.broken
    against_champion = [pair for pair in differences if pair.other == CHAMPION]
    for side, pair in zip(SIDES, against_champion, strict=False):
        metrics |= {f"chrf_champion_{side}": pair.other_chrf, f"p_not_worse_than_champion_{side}": pair.p}
    return metrics
