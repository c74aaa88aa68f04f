"""The benchmark of generation times both ways over the same sentences, and says so where they do not say the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from steps.evaluate.generate import Translator
from steps.evaluate.inputs import read_held_out
from steps.evaluate.systems import TRAINED, load_systems
from steps.prompt import Prompter
from tests.benchmarks.generate import WAYS, Timing, race, ratios, section
from tests.benchmarks.generate_model import Trained, find_trained


def timing(way: str, number: int, cpu: float, wall: float) -> Timing:
    return Timing(way, "en-ig", number, sentences=10, tokens=50, wall=wall, cpu=cpu)


TIMINGS = [
    *(timing(WAYS[0], number, cpu=1.0, wall=2.0) for number in (1, 2)),
    timing(WAYS[1], 1, cpu=8.0, wall=30.0),
    timing(WAYS[1], 2, cpu=6.0, wall=40.0),
]


def test_both_ways_translate_every_sentence_alike(
    base_model: Path, learned: Path, prompter: Prompter, splits: Path
) -> None:
    model, _ = load_systems(base_model, {TRAINED: learned})
    held_out = read_held_out(splits / "test.parquet", ("en", "ig"))
    sentences = held_out.sources(0)[:4], held_out.sources(1)[:4]
    timings, different = race(Translator.of(model, prompter), sentences, 1)
    assert different == []
    assert [(row.way, row.direction) for row in timings] == [(way, name) for name in ("en-ig", "ig-en") for way in WAYS]
    assert all(row.sentences == 4 and row.tokens > 4 and row.wall > 0 and row.cpu > 0 for row in timings)
    assert timings[0].tokens == timings[1].tokens


def test_a_ratio_is_formed_within_its_round() -> None:
    assert ratios(TIMINGS, "en-ig") == [8.0, 6.0]
    assert ratios(TIMINGS, "en-ig", "wall") == [15.0, 20.0]


def test_the_table_has_rates_ratios_with_their_range_and_what_differs(base_model: Path) -> None:
    trained = Trained("abc", base_model, base_model, base_model)
    text = section(TIMINGS, [("a source", "in a batch", "alone")], trained)
    assert "| en-ig | sorted batches | 5.0 | 25 | 7.00 (6.00–8.00) | 17.50 (15.00–20.00) |" in text
    assert "The model `tiny` of 100,000 weights" in text
    assert "1 of 10 translations differ" in text


@pytest.mark.parametrize("made", [True, False])
def test_a_work_directory_without_a_finished_training_has_no_model(tmp_path: Path, made: bool) -> None:
    if made:
        (tmp_path / "executions").mkdir()
    assert find_trained(tmp_path) is None
