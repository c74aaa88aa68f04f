"""The written files: every row once, in order, the same bytes for any cut, and nothing half-written."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from steps.contract import PREPARED, SPLITS
from steps.job import Refused
from steps.prepare.options import PrepareOptions
from steps.prepare.output import row_groups, write_corpus
from steps.prepare.tables import TEST, VALIDATION
from tests.unit.prepare.output.conftest import Laid, Row

ROWS = [Row(f"sentence {place}", f"ahịrịokwu {place}") for place in range(12)]
DROPPED_HERE = Row("x", "", rule="empty", value="ig")


def write(laid: Laid, into: Path, codes: tuple[str, str] = ("en", "ig"), **options: Any) -> dict[str, Path]:
    into.mkdir(exist_ok=True)
    chosen = PrepareOptions(**options)
    return write_corpus(
        laid.shards, laid.verdicts, into, into / "dropped.parquet", codes, chosen, lambda phase, done, total: None
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_rows_go_where_their_verdict_says_and_keep_their_order(lay: Callable[..., Laid], tmp_path: Path) -> None:
    rows = [*ROWS[:3], DROPPED_HERE, *ROWS[4:]]
    laid = lay(rows, cuts=[2, 5], verdicts={1: ("duplicate", "row 0"), 4: VALIDATION, 5: TEST, 7: VALIDATION})
    files = write(laid, tmp_path / "out")
    ids = {split: pq.read_table(path).column("id").to_pylist() for split, path in files.items()}
    assert ids == {
        "train": [f"demo:{number}" for number in (1, 3, 7, 9, 10, 11, 12)],
        "validation": ["demo:5", "demo:8"],
        "test": ["demo:6"],
    }
    assert pq.read_table(files["test"]).to_pylist() == [
        {"id": "demo:6", "source": "demo", "en": "sentence 5", "ig": "ahịrịokwu 5"}
    ]


def test_dropped_rows_of_both_kinds_are_merged_by_row_with_rule_value_and_texts(
    lay: Callable[..., Laid], tmp_path: Path
) -> None:
    rows = [*ROWS[:3], DROPPED_HERE, *ROWS[4:]]
    write(lay(rows, verdicts={1: ("duplicate", "row 0"), 5: ("template-cap", "row 2")}), tmp_path / "out")
    dropped = pq.read_table(tmp_path / "out" / "dropped.parquet").to_pylist()
    assert [(row["id"], row["row"], row["rule"], row["value"]) for row in dropped] == [
        ("demo:2", 2, "duplicate", "demo:1"),
        ("demo:4", 4, "empty", "ig"),
        ("demo:6", 6, "template-cap", "demo:3"),
    ]
    assert dropped[0]["ig"] == "ahịrịokwu 1"


def test_a_row_that_repeats_one_of_an_earlier_source_names_that_source(
    lay: Callable[..., Laid], tmp_path: Path
) -> None:
    rows = [*ROWS[:4], *(Row(row.left, row.right, source="more") for row in ROWS[:4])]
    write(lay(rows, verdicts={5: ("duplicate", "row 1"), 7: ("near-duplicate", "row 6")}), tmp_path / "out")
    dropped = pq.read_table(tmp_path / "out" / "dropped.parquet").to_pylist()
    assert [(row["id"], row["value"]) for row in dropped] == [("more:2", "demo:2"), ("more:4", "more:3")]


def test_jsonl_holds_the_same_rows_one_object_a_line(lay: Callable[..., Laid], tmp_path: Path) -> None:
    rows = [Row('a "quoted" \\ word', "ọ\u2028na"), *ROWS]
    files = write(lay(rows, verdicts={3: VALIDATION, 4: TEST}), tmp_path / "out", jsonl=True)
    for path in files.values():
        lines = path.with_suffix(".jsonl").read_text(encoding="utf-8").split("\n")
        assert lines.pop() == ""
        assert [json.loads(line) for line in lines] == pq.read_table(path).to_pylist()
    first = files["train"].with_suffix(".jsonl").read_text(encoding="utf-8").split("\n")[0]
    assert list(json.loads(first)) == ["id", "source", "en", "ig"]


texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)
pairs = st.builds(
    Row,
    left=texts,
    right=texts,
    source=st.just("demo"),
    rule=st.sampled_from([None, None, None, "ratio"]),
    value=st.none(),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), rows=st.lists(pairs, min_size=1, max_size=30))
def test_any_cut_writes_the_same_bytes(
    data: st.DataObject,
    rows: list[Row],
    lay: Callable[..., Laid],
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, most in (("GROUP_ROWS", 9), ("GROUP_BYTES", 120)):
        monkeypatch.setattr(row_groups, name, data.draw(st.integers(1, most), name))
    verdict = st.sampled_from([VALIDATION, TEST, ("duplicate", "row 0")])
    kept = [place for place, row in enumerate(rows) if not row.rule]
    verdicts = data.draw(st.dictionaries(st.sampled_from(kept), verdict)) if kept else {}
    cuts = data.draw(st.lists(st.integers(0, len(rows)), max_size=4))
    folder = tmp_path_factory.mktemp("cuts")
    whole = write(lay(rows, verdicts=verdicts), folder / "whole", jsonl=True)
    write(lay(rows, cuts=cuts, verdicts=verdicts), folder / "cut", jsonl=True)
    assert contents(folder / "whole") == contents(folder / "cut")

    written = sum(pq.read_metadata(path).num_rows for path in [*whole.values(), folder / "whole" / "dropped.parquet"])
    assert written == len(rows)


def test_row_groups_are_bounded_by_rows_and_by_bytes(
    lay: Callable[..., Laid], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(row_groups, "GROUP_ROWS", 4)
    monkeypatch.setattr(row_groups, "GROUP_BYTES", 1000)
    long = Row("y" * 3000, "z")
    files = write(lay([*ROWS[:5], long, *ROWS[5:]], cuts=[3]), tmp_path / "out")
    metadata = pq.read_metadata(files["train"])
    assert [metadata.row_group(place).num_rows for place in range(metadata.num_row_groups)] == [4, 1, 1, 4, 3]


def test_sources_are_stored_as_dictionaries_and_sentences_with_zstd(lay: Callable[..., Laid], tmp_path: Path) -> None:
    group = pq.read_metadata(write(lay(ROWS), tmp_path / "out")["train"]).row_group(0)
    columns = {group.column(place).path_in_schema: group.column(place) for place in range(group.num_columns)}
    assert {column.compression for column in columns.values()} == {"ZSTD"}
    assert [name for name, column in columns.items() if column.has_dictionary_page] == ["source"]


def test_a_full_disk_leaves_nothing_and_names_the_file(lay: Callable[..., Laid], tmp_path: Path) -> None:
    for name in ("train.parquet", "dropped.parquet", "validation.jsonl"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / f".{name}.partial").symlink_to("/dev/full")
        with pytest.raises(Refused, match=rf"^cannot write {re.escape(name)}: No space left on device"):
            write(lay([*ROWS, DROPPED_HERE], verdicts={2: VALIDATION}), folder, jsonl=True)
        assert list(folder.iterdir()) == []


def test_an_interruption_leaves_nothing_and_keeps_what_was_there(lay: Callable[..., Laid], tmp_path: Path) -> None:
    laid = lay(ROWS, cuts=[6])
    write(laid, tmp_path / "out")
    before = contents(tmp_path / "out")

    def interrupt(phase: str, done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_corpus(
            laid.shards,
            laid.verdicts,
            tmp_path / "out",
            tmp_path / "out" / "dropped.parquet",
            ("en", "ig"),
            PrepareOptions(),
            interrupt,
        )
    assert contents(tmp_path / "out") == before


def test_manifest_and_jsonl_of_an_earlier_run_do_not_survive_beside_new_splits(
    lay: Callable[..., Laid], tmp_path: Path
) -> None:
    laid = lay(ROWS)
    write(laid, tmp_path / "out", jsonl=True)
    (tmp_path / "out" / PREPARED).write_text("{}")
    (tmp_path / "out" / "notes.txt").write_text("mine")
    write(laid, tmp_path / "out")
    names = {"dropped.parquet", "notes.txt", *(f"{split}.parquet" for split in SPLITS)}
    assert {path.name for path in (tmp_path / "out").iterdir()} == names


def test_progress_counts_all_rows_of_the_run(lay: Callable[..., Laid], tmp_path: Path) -> None:
    laid, seen = lay([*ROWS, DROPPED_HERE], cuts=[5]), []
    write_corpus(
        laid.shards,
        laid.verdicts,
        tmp_path,
        tmp_path / "dropped.parquet",
        ("en", "ig"),
        PrepareOptions(),
        lambda *event: seen.append(event),
    )
    assert seen == [("write", 5, 13), ("write", 13, 13)]


@pytest.mark.parametrize("verdicts", [{3: ("duplicate", "row 0")}, {40: VALIDATION}])
def test_a_verdict_on_a_row_that_was_not_kept_is_refused(
    lay: Callable[..., Laid], tmp_path: Path, verdicts: dict[int, Any]
) -> None:
    with pytest.raises(Refused, match="a defect of the step"):
        write(lay([*ROWS[:3], DROPPED_HERE, *ROWS[4:]], verdicts=verdicts), tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_shard_that_lost_a_row_is_refused(lay: Callable[..., Laid], tmp_path: Path) -> None:
    laid, other = lay(ROWS), lay(ROWS[:-1])
    (laid.shards[0] / "kept.arrow").write_bytes((other.shards[0] / "kept.arrow").read_bytes())
    with pytest.raises(Refused, match="11 rows were to be written of 12"):
        write(laid, tmp_path / "out")


def test_a_language_code_that_is_also_a_column_is_refused_with_a_way_out(
    lay: Callable[..., Laid], tmp_path: Path
) -> None:
    with pytest.raises(Refused, match="id-Latn"):
        write(lay(ROWS), tmp_path / "out", codes=("en", "id"))
    assert set(pq.read_schema(write(lay(ROWS), tmp_path / "out", codes=("en", "id-Latn"))["train"]).names) == {
        "id",
        "source",
        "en",
        "id-Latn",
    }
