"""Ready-made strings for the registry, in the alphabet that the service accepts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from steps.contract import (
    GATE_RULES,
    REGISTRY_KEYS,
    BaseModelManifest,
    DataReport,
    DirectionScores,
    GateVerdict,
    Score,
    TrainingCost,
    TrainingPlan,
    TrainingReport,
)

LIMIT = 256  # CustomerMetadataValue of the service model: 1 to 256 letters, numbers, separators and _ . : / = + - @
NAME_LIMIT = 80  # of a name before a sum, so that the sum is never cut
FOREIGN = re.compile(r"[^A-Za-z0-9 _.:/=+\-@]+")


@dataclass(frozen=True)
class Origin:
    """Where a trained model comes from. `definition` and `images` are what the definition says of itself, else empty."""

    training: TrainingReport
    plan: TrainingPlan
    data: DataReport
    base_model: BaseModelManifest
    code: str
    adapter_sha256: str
    adapter_config_sha256: str
    test_set_sha256: str
    cost: TrainingCost
    definition: str = ""
    images: Mapping[str, str] = field(default_factory=dict)


def registry_text(text: str) -> str:
    """Text in the registry's alphabet: marks are taken off letters, other characters become one hyphen a run."""
    plain = "".join(mark for mark in unicodedata.normalize("NFKD", text) if not unicodedata.combining(mark))
    return FOREIGN.sub("-", " ".join(plain.split()))[:LIMIT].strip() or "-"


def registry_strings(values: Mapping[str, str]) -> dict[str, str]:
    """The strings in the order of REGISTRY_KEYS. Raises KeyError when one is missing, so that none is left out."""
    return {key: registry_text(values[key]) for key in REGISTRY_KEYS}


def describe(
    gate: GateVerdict,
    loss: float,
    scores: tuple[DirectionScores, DirectionScores],
    champion: str,
    origin: Origin,
) -> dict[str, str]:
    """All that CustomerMetadataProperties says of a version."""
    forward, backward = scores
    training, base = origin.training, origin.base_model
    rules = dict.fromkeys(GATE_RULES, gate.undecided or "not decided") | {
        rule.rule: f"{'passed' if rule.passed else 'refused'} {rule.value:.6g} limit {rule.limit:.6g}"
        for rule in gate.rules
    }
    return registry_strings(
        {
            "validation_loss": f"{loss:.4f}",
            "validation_loss_forward": _loss(forward),
            "validation_loss_backward": _loss(backward),
            "chrf_forward": _shown(forward.chrf),
            "chrf_backward": _shown(backward.chrf),
            "chrf_base_forward": _shown(forward.base_chrf),
            "chrf_base_backward": _shown(backward.base_chrf),
            "chrf_champion_forward": _shown(forward.champion_chrf),
            "chrf_champion_backward": _shown(backward.champion_chrf),
            "bleu_forward": _shown(forward.bleu),
            "bleu_backward": _shown(backward.bleu),
            "broken_forward": f"{forward.failures.broken:.4f}",
            "broken_backward": f"{backward.failures.broken:.4f}",
            "training_fraction": f"{training.fraction:.4f}",
            "training_steps": f"{training.steps} of {training.planned_steps}",
            "training_hours": f"{origin.cost.hours:.3f}",
            "training_usd": f"{origin.cost.usd:.4f}",
            "training_price": f"{origin.cost.usd_per_hour:.4g} US dollars per hour {origin.cost.purchase}",
            "base_model": f"{_name(base.name)} {_name(base.revision)} sha256:{base.fingerprint}",
            "corpus": f"{_name(origin.data.corpus)} sha256:{origin.data.corpus_fingerprint}",
            "prepared": f"sha256:{training.fingerprint.prepared_sha256}",
            "code": origin.code,
            "definition": f"sha256:{origin.definition}" if origin.definition else "not stated",
            "gate": _decided(gate),
            "adapter": origin.adapter_sha256,
            "adapter_config": origin.adapter_config_sha256,
            "test_set": f"{forward.sentences} pairs sha256:{origin.test_set_sha256}",
            "champion": champion,
            **{f"gate_{rule}": decided for rule, decided in rules.items()},
        }
    )


def _decided(gate: GateVerdict) -> str:
    passed = f"{gate.verdict} {sum(rule.passed for rule in gate.rules)} of {len(GATE_RULES)} rules"
    return f"{passed} - {gate.undecided}" if gate.undecided else passed


def _loss(row: DirectionScores) -> str:
    if row.validation_loss is None:
        return "none"
    return f"{row.validation_loss:.4f} over {row.validation_tokens} tokens"


def _shown(score: Score | None) -> str:
    return "none" if score is None else f"{score.value:.2f}"


def _name(text: str) -> str:
    return registry_text(text)[:NAME_LIMIT].strip()
