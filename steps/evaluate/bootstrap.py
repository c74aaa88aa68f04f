"""The bootstrap: how far a score would move on other sentences of the same kind, and whether two systems differ.

Philipp Koehn, "Statistical Significance Tests for Machine Translation Evaluation", EMNLP 2004. Test sets of the same size are
drawn with replacement; every system is scored on the same draws, so that a difference is not drowned by easy and hard ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sacrebleu.metrics.base import Metric

RESAMPLES = 1_000
LOW, HIGH = 2.5, 97.5  # percentiles of a 95 % interval

Draws = npt.NDArray[np.int64]  # (RESAMPLES, sentences): how often each sentence was drawn
Resampled = npt.NDArray[np.float64]  # (RESAMPLES,): one corpus score a draw


def draw_test_sets(sentences: int, seed: int) -> Draws:
    """RESAMPLES test sets of `sentences` sentences. The same seed gives the same ones."""
    return np.random.default_rng(seed).multinomial(sentences, [1 / sentences] * sentences, size=RESAMPLES)


def score_draws(metric: Metric, hypotheses: Sequence[str], references: Sequence[str], draws: Draws) -> Resampled:
    """The corpus score on every draw, from sacrebleu's counts per sentence."""
    # sacrebleu gives no public access to these; its version is pinned and a test compares their sum.
    counts = np.array(metric._extract_corpus_statistics(hypotheses, [references]))
    return np.array([metric._compute_score_from_stats(row.tolist()).score for row in draws @ counts])


def interval(values: Resampled) -> tuple[float, float]:
    """The 95 % percentile interval."""
    low, high = np.percentile(values, [LOW, HIGH])
    return float(low), float(high)


def p_not_worse(ours: Resampled, theirs: Resampled) -> float:
    """Share of draws on which ours holds up: small when it is worse beyond noise. Equal systems give 1.

    One is added above and below, as sacrebleu does, so that it is never 0.
    """
    return float((np.sum(ours >= theirs) + 1) / (len(ours) + 1))
