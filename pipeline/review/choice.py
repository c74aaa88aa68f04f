"""Which translations a reader is shown: the worst, a fair draw, and those that changed most."""

from __future__ import annotations

from steps.contract import Sample

SHOWN = 20


def drawn_samples(samples: list[Sample]) -> list[Sample]:
    """The first of the order, which is drawn by hash: a fair draw."""
    return samples[:SHOWN]


def worst_samples(samples: list[Sample]) -> list[Sample]:
    """The lowest chrF++ first; samples.json keeps the worst of the whole test set."""
    return sorted(samples, key=lambda sample: sample.chrf)[:SHOWN]


def changed_samples(samples: list[Sample]) -> list[Sample]:
    """The largest difference in chrF++ to the champion's translation first, for better or worse; none without a champion."""
    return sorted((sample for sample in samples if sample.change), key=lambda sample: -abs(sample.change or 0))[:SHOWN]
