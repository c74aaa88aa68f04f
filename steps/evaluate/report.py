"""The evaluation report: numbers for the Condition, scores per direction, verdicts, strings for the registry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from steps.contract import BaseModelManifest, Difference, DirectionScores, EvaluationReport, GateVerdict, TrainingReport
from steps.evaluate.gate import SIDES
from steps.evaluate.registry import registry_strings
from steps.evaluate.systems import BASE, CHAMPION, TRAINED


def build_report(
    *,
    gate: GateVerdict,
    losses: Mapping[str, float],
    scores: tuple[DirectionScores, DirectionScores],
    differences: Sequence[Difference],
    champion: str,
    adapter_sha256: str,
    test_set: str,
    training: TrainingReport,
    base_model: BaseModelManifest,
) -> EvaluationReport:
    """Put together what was measured and decided; no number is computed here."""
    return EvaluationReport(
        metrics={name: {"value": value} for name, value in _metrics(losses, scores, differences, training).items()},
        directions=list(scores),
        differences=list(differences),
        champion=champion,
        gate=gate,
        registry=registry_strings(
            {
                "validation_loss": f"{losses[TRAINED]:.4f}",
                "chrf_forward": f"{scores[0].chrf.value:.2f}",
                "chrf_backward": f"{scores[1].chrf.value:.2f}",
                "chrf_base_forward": f"{scores[0].base_chrf.value:.2f}",
                "chrf_base_backward": f"{scores[1].base_chrf.value:.2f}",
                "training_fraction": f"{training.fraction:.4f}",
                "training_steps": f"{training.steps} of {training.planned_steps}",
                "training_hours": f"{training.seconds_used / 3600:.3f}",
                "base_model": f"{base_model.name} {base_model.revision} sha256:{base_model.fingerprint}",
                "corpus": f"prepared sha256:{training.fingerprint.prepared_sha256}",
                "adapter": adapter_sha256,
                "test_set": test_set,
                "champion": champion,
                "gate": f"{gate.verdict} {sum(rule.passed for rule in gate.rules)} of {len(gate.rules)} rules",
            }
        ),
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
