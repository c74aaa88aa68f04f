"""Whatever the corpus, no sentence and no near-copy of one lies in two splits, on either side, in either direction."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from steps.prepare.tables import HASHES_FILE, LEFT_BANDS, RIGHT_BANDS, TEST, VALIDATION
from tests.unit.prepare.settle.building import (
    Outcome,
    Writer,
    build,
    crossings,
    settle_shards,
    settled,
)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), fresh=st.integers(60, 120), planted=st.integers(0, 80))
def test_no_sentence_and_no_near_copy_crosses_a_split(seed: int, fresh: int, planted: int) -> None:
    pairs = Writer(seed).corpus(fresh, planted)
    with tempfile.TemporaryDirectory() as folder:
        outcome = settled(pairs, Path(folder), held_out_percent=15)
        assert crossings(outcome) == []
        assert all(outcome.splits.values())


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), fresh=st.integers(80, 140), planted=st.integers(30, 80))
def test_the_sweep_alone_keeps_the_splits_clean_when_the_bands_find_nothing(
    seed: int, fresh: int, planted: int
) -> None:
    pairs = Writer(seed).corpus(fresh, planted)
    with tempfile.TemporaryDirectory() as folder:
        shards = build(pairs, Path(folder) / "shards", (50,))
        for shard in shards:
            blind_bands(shard / HASHES_FILE)
        outcome = Outcome(settle_shards(shards, Path(folder) / "work", "native", held_out_percent=20), pairs)
        assert outcome.settled.compared == 0
        assert crossings(outcome) == []
        assert all(value.startswith("row ") for value in outcome.dropped("held-out-copy").values())


def blind_bands(path: Path) -> None:
    """Give every row bands of its own."""
    table = pq.read_table(path)
    for band in LEFT_BANDS + RIGHT_BANDS:
        table = table.set_column(table.schema.get_field_index(band), band, table.column("row").cast(pa.uint32()))
    pq.write_table(table, path)


def test_of_two_held_out_copies_the_one_in_validation_goes() -> None:
    pairs = Writer(2).corpus(60, 60)
    short = 0
    for seed in range(12):
        with tempfile.TemporaryDirectory() as folder:
            shards = build(pairs, Path(folder) / "shards")
            blind_bands(shards[0] / HASHES_FILE)
            work = Path(folder) / "work"
            outcome = Outcome(settle_shards(shards, work, "native", held_out_percent=25, seed=seed), pairs)
            splits, swept = outcome.splits, outcome.dropped("held-out-copy")
            room = (sum(map(len, splits.values())) + len(swept)) // 4
            assert len(splits[TEST]) == room
            assert {int(value.removeprefix("row ")) for value in swept.values()} <= {*splits[TEST], *splits[VALIDATION]}
            short += len(splits[VALIDATION]) < room
    assert short > 0
