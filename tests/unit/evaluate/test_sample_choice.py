"""Samples are drawn by hash: complete where they fit, fair where they do not, and the worst always kept."""

from __future__ import annotations

import random

from steps.contract import Sample
from steps.evaluate.samples import CHANGED, DRAWN, WORST, choose


def samples(count: int, direction: str, *, scores: random.Random) -> list[Sample]:
    return [
        Sample(
            direction=direction,
            source=f"sentence {place}",
            reference=f"{direction} {place}",
            hypothesis="h",
            base_hypothesis="b",
            chrf=scores.uniform(0, 100),
        )
        for place in range(count)
    ]


def test_the_draw_does_not_depend_on_scores_or_on_the_order_of_the_corpus() -> None:
    first = choose(samples(30, "en-ig", scores=random.Random(1)), samples(30, "ig-en", scores=random.Random(2)))
    other = choose(
        samples(30, "en-ig", scores=random.Random(3))[::-1], samples(30, "ig-en", scores=random.Random(4))[::-1]
    )
    assert [sample.reference for sample in first.samples] == [sample.reference for sample in other.samples]
    assert [sample.reference for sample in first.samples] != sorted(sample.reference for sample in first.samples)


def test_directions_take_turns() -> None:
    chosen = choose(samples(9, "en-ig", scores=random.Random(1)), samples(9, "ig-en", scores=random.Random(2)))
    assert [sample.direction for sample in chosen.showcase] == ["en-ig", "ig-en", "en-ig", "ig-en", "en-ig"]


def test_a_large_test_set_keeps_a_fair_draw_and_its_worst() -> None:
    forward, backward = (samples(900, name, scores=random.Random(name)) for name in ("en-ig", "ig-en"))
    chosen = choose(forward, backward)

    everything = sorted(forward + backward, key=lambda sample: sample.chrf)
    kept = sorted(chosen.samples, key=lambda sample: sample.chrf)
    assert chosen.total == 1800
    assert len(chosen.samples) <= DRAWN + WORST + CHANGED
    assert kept[:WORST] == everything[:WORST]
    assert chosen.showcase == chosen.samples[:5]


def test_those_that_changed_most_against_the_champion_are_always_kept_for_better_or_worse() -> None:
    scores = random.Random(7)
    forward, backward = (
        [
            sample.model_copy(update={"champion_hypothesis": "c", "champion_chrf": scores.uniform(0, 100)})
            for sample in samples(900, name, scores=scores)
        ]
        for name in ("en-ig", "ig-en")
    )
    chosen = choose(forward, backward)
    everything = sorted(forward + backward, key=lambda sample: -abs(sample.change or 0))
    assert everything[:CHANGED] == sorted(chosen.samples, key=lambda sample: -abs(sample.change or 0))[:CHANGED]
    assert len(chosen.samples) <= DRAWN + WORST + CHANGED
    assert {(sample.change or 0) > 0 for sample in everything[:CHANGED]} == {True, False}
