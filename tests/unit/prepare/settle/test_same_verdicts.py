"""The same rows give the same bytes, however they are cut, with any number of workers, on either engine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from steps.prepare.options import PrepareOptions
from steps.prepare.settle import decide, settle
from steps.prepare.settle.engine import open_engine
from tests.unit.prepare.settle.building import LANGUAGES, Writer, build, settle_shards, settled

PAIRS = Writer(21).corpus(1500, 900)
ON_RAY = """
import sys
from pathlib import Path
import ray
ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
from tests.unit.prepare.settle.building import settle_shards
shards, work = sorted(Path(sys.argv[1]).iterdir()), Path(sys.argv[2])
settle_shards(shards, work, "ray")
import daft
assert daft.get_or_infer_runner_type() == "ray"
ray.shutdown()
"""


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    outcome = settled(PAIRS, tmp_path_factory.mktemp("whole"))
    rules = {verdict["rule"] for verdict in outcome.verdicts.values()}
    assert rules >= {None, "duplicate", "near-duplicate"}
    return outcome.bytes


@pytest.mark.parametrize("cuts", [(1,), (1200,), (7, 7, 500, 501, 2399, 2400)])
def test_how_rows_are_cut_into_shards_changes_nothing(tmp_path: Path, expected: bytes, cuts: tuple[int, ...]) -> None:
    assert settled(PAIRS, tmp_path, cuts).bytes == expected


def test_two_workers_decide_as_one(tmp_path: Path, expected: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decide, "PARALLEL_FROM", 1000)  # the sweep, not the few candidates
    assert settled(PAIRS, tmp_path, (900, 1700), workers=2).bytes == expected


def test_a_ray_cluster_decides_as_this_machine(tmp_path: Path, expected: bytes) -> None:
    pytest.importorskip("ray")
    build(PAIRS, tmp_path / "shards", (900,))
    command = [sys.executable, "-c", ON_RAY, str(tmp_path / "shards"), str(tmp_path / "work")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "RAY_USAGE_STATS_ENABLED": "0"}
    subprocess.run(command, check=True, env=environment, timeout=300)
    assert (tmp_path / "work" / "verdicts.parquet").read_bytes() == expected


def test_band_columns_are_not_needed_without_near_copies(tmp_path: Path) -> None:
    with_bands, without = (
        build(PAIRS, tmp_path / name, bands=bands) for name, bands in (("with", True), ("no", False))
    )
    first = settle_shards(with_bands, tmp_path / "first", "native", near_copies=False)
    second = settle_shards(without, tmp_path / "second", "native", near_copies=False)
    assert first.verdicts.read_bytes() == second.verdicts.read_bytes()


def test_progress_of_each_phase_ends_at_its_total(tmp_path: Path) -> None:
    heard: dict[str, tuple[int, int]] = {}
    shards = build(PAIRS, tmp_path / "shards", (700,))
    settle(
        shards, LANGUAGES, PrepareOptions(), 17, open_engine("native"), tmp_path / "work", 1,
        lambda phase, done, total: heard.update({phase: (done, total)}),
    )  # fmt: skip
    assert set(heard) == {"duplicates", "bands", "compare", "held-out", "sweep"}
    assert all(done == total for done, total in heard.values())
