"""Sample translations for the report and the terminal, drawn by hash so that nobody can pick the pretty ones."""

from __future__ import annotations

import hashlib
from itertools import chain

from steps.contract import Sample, SampleSet
from steps.evaluate.generate import Translations
from steps.evaluate.inputs import HeldOut
from steps.evaluate.score import sentence_chrf
from steps.evaluate.systems import BASE, CHAMPION, TRAINED

DRAWN = 400
WORST = 60
CHANGED = 40
SHOWCASE = 5


def collect_samples(names: tuple[str, str], held_out: HeldOut, translations: Translations) -> SampleSet:
    """Both directions of the test split as samples in drawing order: the DRAWN first, the WORST and the CHANGED of all."""
    forward, backward = (
        [
            Sample(
                direction=name,
                source=source,
                reference=reference,
                hypothesis=hypothesis,
                base_hypothesis=base,
                chrf=sentence_chrf(hypothesis, reference),
                champion_hypothesis=champion,
                champion_chrf=None if champion is None else sentence_chrf(champion, reference),
            )
            for source, reference, hypothesis, base, champion in zip(
                held_out.sources(way),
                held_out.references(way),
                translations[TRAINED][way],
                translations[BASE][way],
                translations[CHAMPION][way] if CHAMPION in translations else [None] * len(held_out),
                strict=True,
            )
        ]
        for way, name in enumerate(names)
    )
    return choose(forward, backward)


def choose(forward: list[Sample], backward: list[Sample]) -> SampleSet:
    """Order the samples by a hash of their source, the directions in turn, and keep DRAWN + WORST + CHANGED at most.

    The order depends on the test sentences alone: not on any translation, score, seed or order of the corpus.
    """
    drawn = list(chain.from_iterable(zip(sorted(forward, key=_draw), sorted(backward, key=_draw), strict=True)))
    places = range(len(drawn))
    worst = sorted(places, key=lambda place: (drawn[place].chrf, place))[:WORST]
    changed = sorted((place for place in places if drawn[place].change), key=lambda place: _by_change(drawn, place))
    kept = sorted({*range(min(DRAWN, len(drawn))), *worst, *changed[:CHANGED]})
    return SampleSet(total=len(drawn), samples=[drawn[place] for place in kept], showcase=drawn[:SHOWCASE])


def _by_change(drawn: list[Sample], place: int) -> tuple[float, int]:
    """Most changed against the champion first, for better or worse."""
    return -abs(drawn[place].change or 0), place


def _draw(sample: Sample) -> tuple[str, str]:
    """A stable hash: Python's own differs between processes."""
    return hashlib.sha256(sample.source.encode()).hexdigest(), sample.reference
