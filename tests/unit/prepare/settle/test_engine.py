"""The engine finds groups of equal values over files, and one process has one engine."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steps.job import Refused
from steps.prepare.settle import engine as engines
from steps.prepare.settle.engine import open_engine
from steps.prepare.settle.groups import Groups, joined


def write(values: list[int], cuts: list[int], folder: Path) -> list[Path]:
    """Files with rows 0, 1, ... that hold these values."""
    edges = sorted({0, *(cut % (len(values) + 1) for cut in cuts), len(values)})
    files = []
    for first, last in zip(edges, [*edges[1:], edges[-1]], strict=True):
        files.append(folder / f"{len(files)}.parquet")
        rows = pa.array(range(first, last), pa.uint64())
        pq.write_table(pa.table({"row": rows, "value": pa.array(values[first:last], pa.uint64())}), files[-1])
    return files


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from([0, 1, 2, 3, 2**63, 2**64 - 1]), max_size=40), st.lists(st.integers(0, 40), max_size=3))
def test_groups_are_those_of_equal_values_and_each_is_in_row_order(values: list[int], cuts: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        groups = open_engine("native").groups(write(values, cuts, Path(folder)), "value")
    rows = {value: [row for row, found in enumerate(values) if found == value] for value in values}
    expected = sorted(members for members in rows.values() if len(members) > 1)
    split = np.split(groups.rows, groups.starts()[1:])
    assert [part.tolist() for part in split if len(part)] == expected
    assert groups.sizes().tolist() == [len(members) for members in expected]
    assert groups.firsts().tolist() == [members[0] for members in expected for _ in members]


def test_signs_of_a_pattern_in_a_path_mean_nothing(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("o[red]*{x}?", "or*{x}?", "o[red]and{x}y", "ox?", "o\\[red]", "o,!~ %20#")]
    written = []
    for folder in folders:
        folder.mkdir()
        written.append(write([7, 8, 7], [1], folder))
    for folder, files in zip(folders, written, strict=True):
        assert open_engine("native").groups(files, "value").rows.tolist() == [0, 2], folder


def test_what_is_behind_the_first_of_each_group() -> None:
    groups = Groups(np.array([3, 3, 3, 7, 7], np.uint32), np.array([3, 4, 9, 7, 8], np.uint32))
    assert groups.beyond(1).tolist() == [False, True, True, False, True]
    assert groups.beyond(2).tolist() == [False, False, True, False, False]


def test_a_group_without_its_first_row_is_named_by_the_next() -> None:
    groups = Groups(np.array([3, 3, 3, 7, 7], np.uint32), np.array([3, 4, 9, 7, 8], np.uint32))
    left = groups.only(np.array([False, True, True, True, False]))
    assert left.firsts().tolist() == [4, 4, 7]
    assert left.several().rows.tolist() == [4, 9]


def test_groups_of_different_columns_stay_apart_when_their_names_meet() -> None:
    one = Groups(np.array([3, 3], np.uint32), np.array([3, 4], np.uint32))
    other = Groups(np.array([3, 3], np.uint32), np.array([3, 9], np.uint32))
    assert joined([one, other]).sizes().tolist() == [2, 2]


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(Refused, match="engine 'spark' is not known; choose native or ray"):
        open_engine("spark")


def test_a_process_has_one_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "_chosen", "native")
    open_engine("native")
    with pytest.raises(Refused, match="already uses the native engine; start another process for ray"):
        open_engine("ray")
