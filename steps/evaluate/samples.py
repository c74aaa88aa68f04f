"""Sample translations for the report and the terminal, drawn by hash so that nobody can pick the pretty ones."""

from __future__ import annotations

import hashlib
from itertools import chain

from steps.contract import Sample, SampleSet
from steps.evaluate.generate import Translations
from steps.evaluate.inputs import HeldOut
from steps.evaluate.score import sentence_chrf
from steps.evaluate.systems import BASE, TRAINED

DRAWN = 440
WORST = 60
SHOWCASE = 5


def collect_samples(names: tuple[str, str], held_out: HeldOut, translations: Translations) -> SampleSet:
    """Both directions of the test split as samples, in drawing order, the DRAWN first and the WORST of all kept."""
    forward, backward = (
        [
            Sample(
                direction=name,
                source=source,
                reference=reference,
                hypothesis=hypothesis,
                base_hypothesis=base,
                chrf=sentence_chrf(hypothesis, reference),
            )
            for source, reference, hypothesis, base in zip(
                held_out.sources(way),
                held_out.references(way),
                translations[TRAINED][way],
                translations[BASE][way],
                strict=True,
            )
        ]
        for way, name in enumerate(names)
    )
    return choose(forward, backward)


def choose(forward: list[Sample], backward: list[Sample]) -> SampleSet:
    """Order the samples by a hash of their source, the directions in turn, and keep at most DRAWN + WORST of them.

    The order depends on the test sentences alone: not on any translation, score, seed or order of the corpus.
    """
    drawn = list(chain.from_iterable(zip(sorted(forward, key=_draw), sorted(backward, key=_draw), strict=True)))
    worst = sorted(range(len(drawn)), key=lambda place: (drawn[place].chrf, place))[:WORST]
    kept = sorted({*range(min(DRAWN, len(drawn))), *worst})
    return SampleSet(total=len(drawn), samples=[drawn[place] for place in kept], showcase=drawn[:SHOWCASE])


def _draw(sample: Sample) -> tuple[str, str]:
    """A stable hash: Python's own differs between processes."""
    return hashlib.sha256(sample.source.encode()).hexdigest(), sample.reference
