"""The step with evaluation sets of others beside the splits: every system is scored on them."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from steps import contract
from steps.evaluate.__main__ import main


def test_an_evaluation_set_beside_the_splits_is_scored_like_the_held_out_split(evaluation: Any, learned: Path) -> None:
    splits = evaluation.mounted("splits")
    (splits / contract.BENCHMARKS).mkdir()
    shutil.copyfile(splits / "test.parquet", splits / contract.BENCHMARKS / "flores.parquet")
    evaluation.accept_changed_splits(learned)
    main()

    report = evaluation.report
    (benchmark,) = report.benchmarks
    assert benchmark.name == "flores"
    losses = dict.fromkeys(("validation_tokens", "validation_loss", "base_validation_loss"))
    bare = [direction.model_copy(update=losses) for direction in report.directions]
    assert benchmark.directions == bare, "the same sentences give the same scores; a loss is of the validation split"
    assert [pair.other for pair in benchmark.differences] == ["base", "base"]


def test_an_evaluation_set_is_scored_for_the_champion_too(evaluation: Any, learned: Path, untrained: Path) -> None:
    splits = evaluation.mounted("splits")
    (splits / contract.BENCHMARKS).mkdir()
    table = pq.read_table(splits / "test.parquet")
    pq.write_table(table.slice(0, 5), splits / contract.BENCHMARKS / "flores.parquet")
    evaluation.accept_changed_splits(untrained)
    evaluation.mount_champion(learned)
    main()

    (benchmark,) = evaluation.report.benchmarks
    assert [(pair.direction, pair.other) for pair in benchmark.differences] == [
        ("en-ig", "base"), ("ig-en", "base"), ("en-ig", "champion"), ("ig-en", "champion")
    ]  # fmt: skip
    for scores, pair in zip(benchmark.directions, benchmark.differences[2:], strict=True):
        assert scores.sentences == 5
        assert [scores.champion_chrf.value, scores.champion_bleu.value] == pytest.approx([100, 100])
        assert scores.chrf == scores.base_chrf
        assert scores.failures == scores.base_failures
        assert scores.champion_failures.broken == 0
        assert pair.other_chrf == pytest.approx(100)
        assert pair.difference == pytest.approx(scores.chrf.value - 100)
        assert pair.p < 0.05
