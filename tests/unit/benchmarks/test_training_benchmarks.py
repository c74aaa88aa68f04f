"""The benchmarks of training run, time what they say, and say what they left out."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from steps.levers import Levers
from tests.benchmarks import gpu, train
from tests.benchmarks.gpu_place import SMALL, Place
from tests.benchmarks.train_job import FULL, MAX_LENGTH, Setting, example_lengths, fill, stage
from tests.benchmarks.train_lengths import Lengths, read_lengths
from tests.benchmarks.train_report import Result, interval, section, spread, write_section
from tests.benchmarks.train_timing import Timing, time_setting


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stage(tmp_path_factory.mktemp("staged"), SMALL)


@pytest.fixture(scope="module")
def few() -> Lengths:
    return read_lengths().thinned(8)


def timing(seconds: float) -> Timing:
    return Timing(tokens=100, examples=2, slots=256, seconds=[seconds], losses=[1.0], fill=0.4)


def test_the_benchmark_prints_strategies_against_the_padded_baseline(
    staged: Path, few: Lengths, tmp_path: Path
) -> None:
    wanted = {train.BASELINE, "unpadded, batch 1", train.DEFAULT, "packed 1,024", "dropout 0.05", "Liger kernels"}
    contestants = [item for item in (*train.strategies(), *train.levers()) if item.name in wanted]
    results = train.race(contestants, 1, few, staged, tmp_path)
    strategies = [item.name for item in train.strategies() if item.name in wanted]
    text = section(results, few, 1, strategies, {item.name: fill(few, item.setting) for item in contestants})
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    for name in strategies:
        assert any(line.startswith(f"| {name} |") for line in rows), name
    assert "1.00 (1.00–1.00)" in next(line for line in rows if line.startswith(f"| {train.BASELINE} |"))
    assert "Liger kernels: not measured here. kernels=liger needs a GPU" in text


def test_tokens_are_counted_without_padding(staged: Path, few: Lengths, tmp_path: Path) -> None:
    levers = Levers(batching="padded")
    found = time_setting(tmp_path, staged, few, Setting("padded", levers, 256, 512), warm=1, steps=8)
    lengths = [length for both in example_lengths(few) for _, length in both]
    assert len(found.seconds) == 8
    assert found.slots == 16 * MAX_LENGTH
    assert found.examples == 16
    assert found.fill == pytest.approx(sum(lengths) / (len(lengths) * MAX_LENGTH))
    assert len(lengths) * min(lengths) < found.tokens < len(lengths) * max(lengths) < found.slots


def test_lengths_are_those_of_real_sentences_and_hold_no_text() -> None:
    found = json.loads(Path("tests/benchmarks/train-lengths.json").read_text(encoding="utf-8"))
    assert all(isinstance(length, int) for sides in found["sources"].values() for side in sides for length in side)
    reviews = [length for both in example_lengths(read_lengths()) for _, length in both]
    assert 80 < sum(reviews) / len(reviews) < 110


def test_a_thinned_set_keeps_the_spread_of_lengths() -> None:
    everything = read_lengths("all")
    thin = everything.thinned(100)
    means = [sum(found.second) / len(found.second) for found in (everything, thin)]
    assert len(thin.first) == len(thin.second) == 100
    assert means[1] == pytest.approx(means[0], rel=0.05)


def test_ratios_are_formed_round_by_round() -> None:
    base = Result("base", "base", {1: timing(4.0), 2: timing(8.0)})
    other = Result("other", "base", {1: timing(2.0), 2: timing(2.0), 3: timing(1.0)})
    assert other.ratios([base, other]) == [2.0, 4.0]
    assert spread([2.0, 4.0]) == "3.00 (2.00–4.00)"


def test_the_interval_of_a_ratio_covers_it_and_narrows_with_more_steps() -> None:
    few = interval([9.0, 11.0, 10.0], [5.0, 5.5, 4.5])
    many = interval([9.0, 11.0, 10.0] * 20, [5.0, 5.5, 4.5] * 20)
    assert few[0] == many[0] == pytest.approx(2.0)
    assert few[1] < many[1] < 2.0 < many[2] < few[2]


def test_a_page_is_changed_between_its_marks_only(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- here -->\nold\n<!-- /here -->\nafter\n", encoding="utf-8")
    for _ in range(2):
        write_section(page, "here", "new\n")
    assert page.read_text(encoding="utf-8") == "before\n<!-- here -->\nnew\n<!-- /here -->\nafter\n"
    with pytest.raises(ValueError, match="has no place for there"):
        write_section(page, "there", "new\n")


@pytest.mark.parametrize(
    ("part", "said"),
    [
        ("memory", "| 256 | yes | all-linear | 0.05 |"),
        ("recipe", "3 steps capped at 22.2 GiB"),
        ("speed", "| packed 1,024 |"),
        pytest.param("resume", "largest difference 0;", marks=pytest.mark.slow),
        ("generate", "| 32 |"),
    ],
)
def test_every_part_of_the_gpu_benchmark_runs_without_one(
    part: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["gpu", "--tiny", "--parts", part, "--cache", str(tmp_path)])
    gpu.main()
    assert said in capsys.readouterr().out
    rows = [json.loads(line) for line in (tmp_path / "tiny.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {row["part"] for row in rows} == {"machine", part}


def test_a_measurement_that_runs_out_of_memory_is_recorded_and_the_next_one_runs(tmp_path: Path) -> None:
    import torch

    place = Place(SMALL, tmp_path, read_lengths(), tmp_path, tmp_path / "rows.jsonl", True, 1, 70, 22.2)

    def too_big() -> dict[str, object]:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nmore")

    place.start("memory")
    assert place.has_time()
    place.attempt("big", too_big)
    place.attempt("small", lambda: {"measured_gib": 1.0})
    rows = [json.loads(line) for line in place.results.read_text(encoding="utf-8").splitlines()]
    assert rows[0]["failed"] == "out of memory: CUDA out of memory. Tried to allocate 2.00 GiB."
    assert rows[1] == {"part": "memory", "name": "small", "measured_gib": 1.0}


def test_the_full_size_is_that_of_mistral_7b() -> None:
    from steps.contract import ModelShape
    from steps.memory import parameters
    from tests.benchmarks.train_job import mistral_config

    assert parameters(ModelShape.of(mistral_config(FULL).to_dict())) == 7_241_732_096
