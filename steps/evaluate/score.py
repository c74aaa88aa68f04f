"""chrF++ and BLEU with signatures, and the paired bootstrap against the champion.

Both sides of every comparison have gone through `steps.prompt.normalise`: the same text in NFD and NFC scores 100.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sacrebleu.metrics.base import Metric
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from steps.contract import DirectionScores, Score
from steps.evaluate.generate import Translations
from steps.evaluate.inputs import HeldOut
from steps.evaluate.systems import BASE, CHAMPION, TRAINED
from steps.job import Refused

WORD_ORDER = 2  # makes chrF into chrF++
RESAMPLES = 1_000


@dataclass(frozen=True)
class Comparison:
    """The trained model against the champion in one direction. `p` is small when it is worse beyond noise."""

    direction: str
    chrf: float
    champion_chrf: float
    p: float


def score(metric: Metric, hypotheses: Sequence[str], references: Sequence[str]) -> Score:
    """Corpus score with sacrebleu's signature. Raises Refused for lists of unequal length or a score not finite."""
    if len(hypotheses) != len(references):
        raise Refused(f"{len(hypotheses)} translations for {len(references)} references: nothing can be scored")
    value = float(metric.corpus_score(hypotheses, [references]).score)
    if not math.isfinite(value):
        raise Refused(f"{type(metric).__name__} is {value}: the model cannot be evaluated")
    return Score(value=value, signature=str(metric.get_signature()))


def chrf(hypotheses: Sequence[str], references: Sequence[str]) -> Score:
    """Corpus chrF++, 0 to 100."""
    return score(CHRF(word_order=WORD_ORDER), hypotheses, references)


def bleu(hypotheses: Sequence[str], references: Sequence[str]) -> Score:
    """Corpus BLEU with the 13a tokenizer, 0 to 100."""
    return score(BLEU(), hypotheses, references)


def sentence_chrf(hypothesis: str, reference: str) -> float:
    """chrF++ of one sentence, 0 to 100."""
    return float(CHRF(word_order=WORD_ORDER).sentence_score(hypothesis, [reference]).score)


def score_directions(
    names: tuple[str, str], held_out: HeldOut, translations: Translations
) -> tuple[DirectionScores, DirectionScores]:
    """Scores of the trained and the base model in both directions, forward first."""

    def scores(way: int) -> DirectionScores:
        references = held_out.references(way)
        trained, base = translations[TRAINED][way], translations[BASE][way]
        return DirectionScores(
            direction=names[way],
            sentences=len(references),
            chrf=chrf(trained, references),
            bleu=bleu(trained, references),
            base_chrf=chrf(base, references),
            base_bleu=bleu(base, references),
        )

    return scores(0), scores(1)


def compare_directions(
    names: tuple[str, str], held_out: HeldOut, translations: Translations, seed: int
) -> list[Comparison]:
    """The trained model against the champion in both directions; nothing when there is no champion."""
    if CHAMPION not in translations:
        return []
    comparisons = []
    for way, name in enumerate(names):
        references = held_out.references(way)
        trained, champion = translations[TRAINED][way], translations[CHAMPION][way]
        p = paired_p(trained, champion, references, seed)
        comparisons.append(Comparison(name, chrf(trained, references).value, chrf(champion, references).value, p))
    return comparisons


def paired_p(challenger: Sequence[str], champion: Sequence[str], references: Sequence[str], seed: int) -> float:
    """One-sided paired bootstrap: the share of resampled test sets on which the challenger's chrF++ holds up.

    Philipp Koehn, "Statistical Significance Tests for Machine Translation Evaluation", EMNLP 2004; one is added above
    and below, as sacrebleu does, so that the result is never 0. Equal translations give 1.
    """
    metric = CHRF(word_order=WORD_ORDER)
    count = len(references)
    draws = np.random.default_rng(seed).multinomial(count, [1 / count] * count, size=RESAMPLES)
    # sacrebleu gives no public access to counts per sentence; its version is pinned and a test compares their sum.
    sums = [draws @ np.array(metric._extract_corpus_statistics(side, [references])) for side in (challenger, champion)]
    ours, theirs = (np.array([metric._compute_score_from_stats(row).score for row in side]) for side in sums)
    return float((np.sum(ours >= theirs) + 1) / (RESAMPLES + 1))
