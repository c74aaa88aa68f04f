"""chrF++ and BLEU with signatures and intervals, and every comparison of the trained model with another.

Both sides of every comparison have gone through `steps.prompt.normalise`: the same text in NFD and NFC scores 100.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

from sacrebleu.metrics.base import Metric
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from steps.contract import Difference, DirectionScores, Score
from steps.evaluate.bootstrap import Draws, draw_test_sets, interval, p_not_worse, score_draws
from steps.evaluate.failures import count_failures
from steps.evaluate.generate import Translations
from steps.evaluate.inputs import HeldOut
from steps.evaluate.systems import BASE, CHAMPION, TRAINED
from steps.job import Refused

WORD_ORDER = 2  # makes chrF into chrF++


def score(metric: Metric, hypotheses: Sequence[str], references: Sequence[str], draws: Draws) -> Score:
    """Corpus score with interval and sacrebleu's signature. Raises Refused for lists of unequal length or a score not finite."""
    if len(hypotheses) != len(references):
        raise Refused(f"{len(hypotheses)} translations for {len(references)} references: nothing can be scored")
    value = float(metric.corpus_score(hypotheses, [references]).score)
    if not math.isfinite(value):
        raise Refused(f"{type(metric).__name__} is {value}: the model cannot be evaluated")
    low, high = interval(score_draws(metric, hypotheses, references, draws))
    return Score(value=value, low=low, high=high, signature=str(metric.get_signature()))


def chrf(hypotheses: Sequence[str], references: Sequence[str], draws: Draws) -> Score:
    """Corpus chrF++, 0 to 100."""
    return score(_chrf(), hypotheses, references, draws)


def bleu(hypotheses: Sequence[str], references: Sequence[str], draws: Draws) -> Score:
    """Corpus BLEU with the 13a tokenizer, 0 to 100."""
    return score(BLEU(), hypotheses, references, draws)


def sentence_chrf(hypothesis: str, reference: str) -> float:
    """chrF++ of one sentence, 0 to 100."""
    return float(_chrf().sentence_score(hypothesis, [reference]).score)


def score_directions(
    names: tuple[str, str], held_out: HeldOut, translations: Translations, seed: int
) -> tuple[DirectionScores, DirectionScores]:
    """Scores and failures of every system in both directions, forward first."""
    draws = draw_test_sets(len(held_out), seed)

    def scores(way: int) -> DirectionScores:
        sources, references = held_out.sources(way), held_out.references(way)
        trained, base = translations[TRAINED][way], translations[BASE][way]
        champion = translations[CHAMPION][way] if CHAMPION in translations else None
        return DirectionScores(
            direction=names[way],
            sentences=len(references),
            chrf=chrf(trained, references, draws),
            bleu=bleu(trained, references, draws),
            base_chrf=chrf(base, references, draws),
            base_bleu=bleu(base, references, draws),
            failures=count_failures(sources, trained, references),
            base_failures=count_failures(sources, base, references),
            champion_chrf=None if champion is None else chrf(champion, references, draws),
            champion_bleu=None if champion is None else bleu(champion, references, draws),
            champion_failures=None if champion is None else count_failures(sources, champion, references),
        )

    return scores(0), scores(1)


def compare_directions(
    names: tuple[str, str], held_out: HeldOut, translations: Translations, seed: int
) -> list[Difference]:
    """The trained model against the base model in both directions, then against the champion where there is one."""
    draws = draw_test_sets(len(held_out), seed)
    others: list[Literal["base", "champion"]] = [BASE, CHAMPION] if CHAMPION in translations else [BASE]
    return [
        compare(name, other, translations[TRAINED][way], translations[other][way], held_out.references(way), draws)
        for other in others
        for way, name in enumerate(names)
    ]


def compare(
    direction: str,
    other: Literal["base", "champion"],
    ours: Sequence[str],
    theirs: Sequence[str],
    references: Sequence[str],
    draws: Draws,
) -> Difference:
    """Difference in chrF++ on the same sentences, with its interval and the p of not being worse."""
    metric = _chrf()
    resampled = [score_draws(metric, side, references, draws) for side in (ours, theirs)]
    values = [float(metric.corpus_score(side, [references]).score) for side in (ours, theirs)]
    low, high = interval(resampled[0] - resampled[1])
    return Difference(
        direction=direction,
        other=other,
        chrf=values[0],
        other_chrf=values[1],
        difference=values[0] - values[1],
        low=low,
        high=high,
        p=p_not_worse(resampled[0], resampled[1]),
    )


def _chrf() -> Metric:
    return CHRF(word_order=WORD_ORDER)
