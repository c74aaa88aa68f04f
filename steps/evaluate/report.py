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
from steps.evaluate.loss import DirectedLoss
from steps.evaluate.registry import Origin, describe
from steps.evaluate.systems import BASE, CHAMPION, TRAINED


def build_report(
    *,
    gate: GateVerdict,
    losses: Mapping[str, DirectedLoss],
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
        cost=origin.cost,
        registry=describe(gate, losses[TRAINED].mean, scores, champion, origin),
    )


def _metrics(
    losses: Mapping[str, DirectedLoss],
    scores: tuple[DirectionScores, DirectionScores],
    differences: Sequence[Difference],
    training: TrainingReport,
) -> dict[str, float]:
    metrics = {
        "validation_loss": losses[TRAINED].mean,
        "validation_loss_base": losses[BASE].mean,
        "validation_tokens": sum(losses[TRAINED].tokens),
        "training_fraction": training.fraction,
    }
    if CHAMPION in losses:
        metrics["validation_loss_champion"] = losses[CHAMPION].mean
    for side, direction in zip(SIDES, scores, strict=True):
        metrics |= {
            f"chrf_{side}": direction.chrf.value,
            f"bleu_{side}": direction.bleu.value,
            f"chrf_base_{side}": direction.base_chrf.value,
            f"bleu_base_{side}": direction.base_bleu.value,
        }
        metrics[f"broken_{side}"] = direction.failures.broken
        metrics[f"validation_tokens_{side}"] = direction.validation_tokens or 0
        if direction.validation_loss is not None:
            metrics[f"validation_loss_{side}"] = direction.validation_loss
    against_champion = [pair for pair in differences if pair.other == CHAMPION]
    for side, pair in zip(SIDES, against_champion, strict=False):
        metrics |= {f"chrf_champion_{side}": pair.other_chrf, f"p_not_worse_than_champion_{side}": pair.p}
    return metrics
