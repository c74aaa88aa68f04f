"""The data report: sums over shards, examples of both kinds of rules, warnings, and refusals."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st

from steps.contract import CorpusManifest, DataReport, Leaks, ShardReport
from steps.job import Refused
from steps.prepare.options import RULES, PrepareOptions
from steps.prepare.output import build_report, refuse_unfit, refuse_unreadable, write_corpus
from steps.prepare.output.drawing import drawn_places
from steps.prepare.output.totals import add_up
from steps.prepare.output.warning import warnings
from steps.prepare.tables import TEST, VALIDATION
from tests.unit.prepare.output.conftest import Laid, Row, shard_report

CODES = ("en", "ig")
LONG = "ogologo " * 60
ROWS = [
    Row(
        f"sentence number {place}",
        LONG if place == 8 else f"ahịrịokwu nke {place}",
        rule="ratio" if place % 4 == 1 else None,
    )
    for place in range(60)
]
VERDICTS = dict.fromkeys(range(0, 40, 4), ("duplicate", "row 0")) | {50: VALIDATION, 51: VALIDATION, 52: TEST}


@pytest.fixture
def report_of(lay: Callable[..., Laid], manifest: CorpusManifest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Writes a run and reports on it."""

    def make(
        rows: list[Row], cuts: list[int], verdicts: dict[int, Any], leaks: Leaks | None = None, **options: Any
    ) -> DataReport:
        laid, out, chosen = lay(rows, cuts, verdicts), tmp_path_factory.mktemp("out"), PrepareOptions(**options)
        files = write_corpus(
            laid.shards, laid.verdicts, out, out / "dropped.parquet", CODES, chosen, lambda phase, done, total: None
        )
        return build_report(
            manifest,
            (chosen.language("en"), chosen.language("ig")),
            chosen,
            17,
            shard_reports=laid.reports,
            shards=laid.shards,
            settled=laid,
            files=files,
            leaks=leaks or Leaks(equal=0, near=0),
            tokenizer=None,
        )

    return make


def rule(report: DataReport, name: str) -> Any:
    return next(item for item in report.rules if item.rule == name)


def test_the_waterfall_adds_up_from_rows_in_to_the_written_splits(report_of: Any) -> None:
    report = report_of(ROWS, [10, 30], VERDICTS)
    assert report.rows_in == 60
    assert {item.rule: item.dropped for item in report.rules if item.dropped} == {"ratio": 15, "duplicate": 10}
    assert report.rows_out == 35
    assert report.splits == {"train": 32, "validation": 2, "test": 1}
    assert [item.rule for item in report.rules] == list(RULES)
    assert rule(report, "ratio").share == 0.25
    refuse_unfit(report)


def test_any_cut_gives_the_same_report(report_of: Any) -> None:
    rows = [*ROWS, *(Row(row.left, row.right, source="more", rule=row.rule) for row in ROWS)]
    whole = report_of(rows, [], VERDICTS, shard_pairs=500)
    assert report_of(rows, [1, 7, 30, 59, 90], VERDICTS, shard_pairs=7, shard_bytes=2048) == whole


@pytest.mark.parametrize("name", ["ratio", "duplicate"])
def test_examples_are_the_first_five_and_five_drawn_by_hash_whatever_phase_dropped_them(
    report_of: Any, name: str
) -> None:
    rows = list(range(1, 60, 4)) if name == "ratio" else list(range(0, 40, 4))
    found = rule(report_of(ROWS, [13, 29], VERDICTS), name)
    assert [example.row for example in found.first] == rows[:5]
    by_hash = sorted(rows, key=lambda row: xxhash.xxh3_64_intdigest(row.to_bytes(8, "little")))
    assert [example.row for example in found.drawn] == by_hash[:5]
    assert {example.id for example in found.first} == {f"demo:{row + 1}" for row in rows[:5]}


def test_examples_of_a_global_rule_show_both_texts_shortened_and_the_row_they_repeat(report_of: Any) -> None:
    example = rule(report_of(ROWS, [5], VERDICTS), "duplicate").first[2]
    assert (example.left, example.value) == ("sentence number 8", "demo:1")
    assert example.right == LONG[:200]


def test_rules_say_whether_they_were_asked(report_of: Any) -> None:
    report = report_of(ROWS, [], VERDICTS, off=("letters",), near_copies=False, identify=False)
    off = [item.rule for item in report.rules if not item.on]
    assert off == ["letters", "language", "similarity", "benchmark", "near-duplicate", "held-out-copy"]


def test_options_that_change_no_output_are_not_reported(report_of: Any) -> None:
    options = report_of(ROWS, [], VERDICTS, max_characters=900).options
    assert options["max_characters"] == 900
    assert not {"shard_pairs", "shard_bytes"} & set(options)


def test_the_report_says_what_scorer_was_asked_and_not_where_it_lies(report_of: Any, tmp_path: Path) -> None:
    def reported(name: str, content: str) -> Any:
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text(content, encoding="utf-8")
        return report_of(ROWS, [], VERDICTS, scorer={"folder": str(tmp_path / name), "minimum": 0.25}).options

    one = reported("one", "{}")
    assert one["scorer"]["minimum"] == 0.25
    assert one["scorer"]["folder"].startswith("sha256:")
    assert str(tmp_path) not in json.dumps(one)
    assert one == reported("two", "{}") != reported("three", "{ }")
    PrepareOptions.model_validate(one)  # as the page of the report does


@given(st.lists(st.integers(0, 2**64 - 1), max_size=30))
def test_rows_are_drawn_by_the_hash_of_xxhash(rows: list[int]) -> None:
    expected = [xxhash.xxh3_64_intdigest(row.to_bytes(8, "little")) for row in rows]
    drawn = drawn_places(np.array(rows, np.uint64), 5)
    assert [expected[place] for place in drawn] == sorted(expected)[:5]


def test_names_that_a_sentence_was_called_are_sorted_by_how_often(report_of: Any) -> None:
    parts = [
        shard_report("demo", 0, [], identified={"ig": {"yo": 1, "ig": 4}, "en": {"en": 5}}),
        shard_report("demo", 0, [], identified={"ig": {"ha": 3, "yo": 1}, "en": {"un": 2}}),
    ]
    for order in (parts, parts[::-1]):
        identified = add_up(order).identified
        assert [list(names.items()) for names in identified.values()] == [
            [("en", 5), ("un", 2)],
            [("ig", 4), ("ha", 3), ("yo", 2)],
        ]


def test_a_rule_over_a_fifth_a_large_group_and_a_small_validation_are_warned_of(report_of: Any) -> None:
    report = report_of(ROWS, [], VERDICTS)
    assert report.warnings == [
        "The rule ratio dropped 25.0 % of all rows (15 of 60): look at its examples before you trust it.",
        "The validation split has only 2 pairs: what is measured on it is a rough number.",
    ]


def test_a_group_over_a_tenth_and_an_unstated_licence_are_warned_of(manifest: CorpusManifest) -> None:
    sources = [source.model_copy(update={"licence": "Not stated"}) for source in manifest.sources[1:]]
    splits = {"train": 800, "validation": 100, "test": 100}
    assert warnings(manifest.sources[:1] + sources, [], 1200, 1000, splits, 101) == [
        "One group of equal or near-equal sentences holds 101 of the 1,000 rows left (10.1 %): the corpus repeats"
        " itself, and the group is in one split.",
        "The licence of more is not stated: find out whether you may train on it and share the model.",
    ]
    assert warnings(manifest.sources, [], 1200, 1000, splits, 100) == []


def test_a_row_that_went_missing_is_refused(report_of: Any) -> None:
    report = report_of(ROWS, [], VERDICTS)
    lost = report.model_copy(update={"splits": report.splits | {"train": 31}})
    with pytest.raises(Refused, match=r"the counts do not add up: 60 rows in, 25 dropped, 35 left"):
        refuse_unfit(lost)
    with pytest.raises(Refused, match="the counts do not add up: 61 rows in"):
        refuse_unfit(report.model_copy(update={"rows_in": 61}))


@pytest.mark.parametrize("leaks", [Leaks(equal=1, near=0), Leaks(equal=0, near=1)])
def test_a_leak_is_refused(report_of: Any, leaks: Leaks) -> None:
    with pytest.raises(Refused, match=f"{leaks.equal} equal sentences and {leaks.near} near-copies cross the splits"):
        refuse_unfit(report_of(ROWS, [], VERDICTS, leaks=leaks))


def test_too_few_rows_left_are_refused_with_the_waterfall(report_of: Any) -> None:
    gone = dict.fromkeys(range(0, 60, 2), ("duplicate", "row 0"))
    with pytest.raises(
        Refused,
        match="only 15 rows are left, at least 20 are needed. 60 rows in; dropped: ratio 15, duplicate 30; 15 rows left",
    ):
        refuse_unfit(report_of(ROWS, [], gone))


def shards(source: str, rows: int, **changed: Any) -> list[ShardReport]:
    numbered = [(place, place + 1, Row("x", "y")) for place in range(rows)]
    return [shard_report(source, 0, numbered, **changed)]


def test_a_corpus_of_which_no_row_is_left_is_refused_with_the_waterfall(manifest: CorpusManifest) -> None:
    parts = shards("demo", 50, rows_kept=0, dropped={"ratio": 20, "empty": 30})
    with pytest.raises(Refused, match=r"^no row is left, .* 50 rows in; dropped: empty 30, ratio 20; 0 rows left$"):
        refuse_unreadable(manifest, CODES, parts, PrepareOptions())


def undecodable(source: str, rows: int, bad: int) -> list[ShardReport]:
    numbered = [
        (place, place + 1, Row("x", "y", rule="undecodable" if place % 7 == 3 else None)) for place in range(60)
    ]
    examples = shard_report(source, 0, numbered)
    return shards(source, 60, rows_in=rows, rows_kept=rows - bad, dropped={"undecodable": bad}, first=examples.first)


def test_a_source_of_which_over_one_percent_does_not_decode_is_refused_by_name_and_row(
    manifest: CorpusManifest,
) -> None:
    good = shards("demo", 5000)
    with pytest.raises(Refused) as refused:
        refuse_unreadable(manifest, CODES, [*good, *undecodable("more", 1000, 11)], PrepareOptions())
    message = str(refused.value)
    assert message.startswith("more: 11 of 1,000 rows (1.1%) are not UTF-8, the first in row 4 of data/more.tsv.")
    assert "iconv -f WINDOWS-1252 -t UTF-8 data/more.tsv" in message


@pytest.mark.parametrize(("rows", "bad"), [(1000, 10), (60, 1), (200, 2)])
def test_a_few_lines_that_do_not_decode_are_not_refused(manifest: CorpusManifest, rows: int, bad: int) -> None:
    refuse_unreadable(manifest, CODES, undecodable("more", rows, bad), PrepareOptions())


def test_two_broken_lines_of_a_tiny_source_are_refused(manifest: CorpusManifest) -> None:
    with pytest.raises(Refused, match=r"more: 2 of 60 rows \(3\.3%\) are not UTF-8"):
        refuse_unreadable(manifest, CODES, undecodable("more", 60, 2), PrepareOptions())


def asked(rows: int) -> dict[str, dict[str, int]]:
    return {"en": {"ig": rows}, "ig": {"en": rows - 1, "un": 1}}


def test_a_source_whose_sides_are_swapped_is_refused_though_the_others_are_not(manifest: CorpusManifest) -> None:
    good = shards("demo", 5000)
    swapped = shards("more", 100, identified=asked(60), swapped=31, rows_kept=0, dropped={"language": 100})
    with pytest.raises(Refused) as refused:
        refuse_unreadable(manifest, CODES, [*good, *swapped], PrepareOptions())
    assert str(refused.value) == (
        "more: the files look swapped: what should be English was identified as Igbo in 31 of 60 rows."
        " To mend it, exchange the two language codes in its header."
    )


def test_a_swap_is_told_in_the_order_of_the_run_whatever_order_the_corpus_was_published_in(
    manifest: CorpusManifest,
) -> None:
    published = manifest.model_copy(update={"languages": ["ig", "en"]})
    with pytest.raises(Refused, match="what should be English was identified as Igbo"):
        refuse_unreadable(published, CODES, shards("more", 100, identified=asked(60), swapped=60), PrepareOptions())


@pytest.mark.parametrize(("rows", "swapped"), [(60, 30), (24, 19)])
def test_half_of_the_rows_or_a_handful_is_no_swap(manifest: CorpusManifest, rows: int, swapped: int) -> None:
    refuse_unreadable(manifest, CODES, shards("more", 100, identified=asked(rows), swapped=swapped), PrepareOptions())
