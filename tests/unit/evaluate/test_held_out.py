"""The test split is read whole and normalised, or refused by name."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from steps.evaluate.inputs import read_held_out, read_training
from steps.job import Refused


def write(folder: Path, **columns: list[str | None]) -> Path:
    path = folder / "test.parquet"
    pq.write_table(pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()}), path)
    return path


def test_each_direction_translates_one_side_and_is_compared_with_the_other(tmp_path: Path) -> None:
    held_out = read_held_out(write(tmp_path, id=["1"], en=["a  yam "], ig=["ji"]), ("en", "ig"))
    assert (held_out.sources(0), held_out.references(0)) == (["a yam"], ["ji"])
    assert (held_out.sources(1), held_out.references(1)) == (["ji"], ["a yam"])


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"en": [], "ig": []}, "test.parquet is empty"),
        ({"en": ["a", "b"], "ig": ["c", " \t"]}, "row 2 of test.parquet is empty in column ig"),
        ({"en": ["a", None], "ig": ["c", "d"]}, "row 2 of test.parquet is empty in column en"),
        ({"en": ["a"]}, "ig"),
    ],
)
def test_a_test_split_that_cannot_be_scored_is_refused(
    tmp_path: Path, columns: dict[str, list[str | None]], reason: str
) -> None:
    with pytest.raises(Refused, match=reason):
        read_held_out(write(tmp_path, **columns), ("en", "ig"))


def test_a_missing_or_damaged_split_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot read test"):
        read_held_out(tmp_path / "test.parquet", ("en", "ig"))
    (tmp_path / "test.parquet").write_bytes(b"PAR1")
    with pytest.raises(Refused, match="cannot read test"):
        read_held_out(tmp_path / "test.parquet", ("en", "ig"))


def test_an_archive_without_a_training_report_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="not made by TrainLora"):
        read_training(tmp_path)
