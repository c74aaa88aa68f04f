"""The whole step, from a mounted corpus to its outputs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from steps.contract import Leaks
from steps.job import Refused

REPOSITORY = Path(__file__).resolve().parents[3]
SHARED_DATA = Path(os.environ.get("ASUSU_SHARED_DATA", REPOSITORY.parent / "shared" / "data"))
SAMPLE = SHARED_DATA / "sample.en-ig.tsv"

Pairs = list[tuple[str, str]]
Clean = Callable[[int], Pairs]
Tsv = Callable[[Pairs], bytes]

DIRTY = [
    ("", "ụtụtụ ọma"),
    ("Ok", "Eee"),
    ("a" * 1001, "b" * 1001),
    ("a" * 60, "ọ dị mma"),
    ("доброе утро", "ụtụtụ ọma"),
    ("Lagos", "lagos"),
]


def test_every_row_is_either_in_one_split_or_dropped_with_its_rule(prepare: Any, clean_pairs: Clean, tsv: Tsv) -> None:
    pairs = clean_pairs(100)
    prepared = prepare({"dirty": tsv([*DIRTY, *pairs, pairs[0]]), "moses": (b"one\ntw\xffo\n", b"otu\nabuo\n")})
    report = prepared.report
    dropped = {rule.rule: rule.dropped for rule in report.rules if rule.dropped}

    names = ["empty", "undecodable", "too-short", "too-long", "ratio", "letters", "identical", "duplicate"]
    assert dropped == dict.fromkeys(names, 1)
    assert report.rows_in == 109
    assert report.rows_in - sum(dropped.values()) == report.rows_out == sum(report.splits.values()) == 101
    assert report.splits == {name: len(prepared.split(name)) for name in report.splits}
    assert report.leaks.total == 0
    ids = [row["id"] for row in [*prepared.kept, *prepared.dropped]]
    assert sorted(ids) == sorted([f"dirty:{row}" for row in range(1, 108)] + ["moses:1", "moses:2"])


def test_dropped_rows_are_kept_with_place_rule_value_and_texts(prepare: Any, clean_pairs: Clean, tsv: Tsv) -> None:
    pairs = clean_pairs(30)
    (short, again) = prepare({"a": tsv([*pairs, ("Ok", "Eee"), pairs[4]])}).dropped
    assert (short["id"], short["source"], short["row"], short["rule"]) == ("a:31", "a", 31, "too-short")
    assert (short["en"], short["ig"]) == ("Ok", "Eee")
    assert (again["id"], again["rule"]) == ("a:32", "duplicate")
    assert "5" in again["value"] or "4" in again["value"]


def test_the_report_shows_shortened_examples_of_a_rule(prepare: Any, clean_pairs: Clean, tsv: Tsv) -> None:
    prepared = prepare({"a": tsv([*clean_pairs(30), *[("x" * 2000, "b" * 1500)] * 9])})
    (rule,) = [rule for rule in prepared.report.rules if rule.dropped]
    assert (rule.rule, rule.dropped) == ("too-long", 9)
    assert [example.id for example in rule.first] == ["a:31", "a:32", "a:33", "a:34", "a:35"]
    assert len(rule.drawn) == 5
    assert all(len(example.left) <= 201 for example in [*rule.first, *rule.drawn])


def test_a_blank_line_on_one_side_shifts_no_later_pair(prepare: Any, clean_pairs: Clean) -> None:
    pairs = clean_pairs(60)
    left, right = [list(side) for side in zip(*pairs, strict=True)]
    left[10] = right[20] = ""
    prepared = prepare({"a": ("\n".join(left).encode(), "\n".join(right).encode())})
    expected = {pair for place, pair in enumerate(pairs) if place not in (10, 20)}
    assert {(row["en"], row["ig"]) for row in prepared.kept} == expected
    assert [(row["row"], row["rule"]) for row in prepared.dropped] == [(11, "empty"), (21, "empty")]


def test_control_characters_become_spaces_and_repairs_are_counted(prepare: Any, clean_pairs: Clean, tsv: Tsv) -> None:
    dirty = ("good\rmorning\u2028old\x85\x00friend", "u\u0323tụtụ  o\u0323ma enyi")
    prepared = prepare({"a": tsv([*clean_pairs(30), dirty])})
    (row,) = [row for row in prepared.kept if row["id"] == "a:31"]
    assert (row["en"], row["ig"]) == ("good morning old friend", "ụtụtụ ọma enyi")
    repaired = {name: count for name, count in prepared.report.repaired.items() if count}
    assert repaired == {"controls": 1, "white-space": 1, "nfc": 1}


def test_rows_keep_the_order_of_the_input_within_a_split(prepare: Any, clean_pairs: Clean, tsv: Tsv) -> None:
    prepared = prepare({"a": tsv(clean_pairs(200))})
    for name in ("train", "validation", "test"):
        numbers = [int(row["id"].removeprefix("a:")) for row in prepared.split(name)]
        assert numbers == sorted(numbers)


def test_running_again_gives_the_same_bytes_and_another_seed_another_split(
    prepare: Any, clean_pairs: Clean, tsv: Tsv
) -> None:
    content = tsv([*DIRTY, *clean_pairs(200)])
    first, second, other = (prepare({"a": content}, seed=seed) for seed in (17, 17, 18))
    assert first.outputs == second.outputs
    assert set(first.outputs) == {
        "train.parquet",
        "validation.parquet",
        "test.parquet",
        "dropped.parquet",
        "data-report.json",
        "manifest.json",
    }
    assert first.outputs["test.parquet"] != other.outputs["test.parquet"]


def test_progress_and_a_final_count_are_reported(prepare: Any, clean_pairs: Clean, tsv: Tsv) -> None:
    events = prepare({"a": tsv(clean_pairs(40))}).events
    phases = [event["phase"] for event in events if event["event"] == "progress"]
    assert list(dict.fromkeys(phases))[:2] == ["cut", "shards"]
    assert events[-1]["event"] == "prepared"
    assert events[-1]["splits"] == {"train": 36, "validation": 2, "test": 2}


def test_a_corpus_of_which_nothing_is_left_is_refused_with_the_waterfall(prepare: Any, tsv: Tsv) -> None:
    message = (
        r"no row is left, at least 20 are needed\. 6 rows in; dropped: empty 1, too-short 1, too-long 1, ratio 1,"
        r" identical 1, letters 1; 0 rows left"
    )
    with pytest.raises(Refused, match=message):
        prepare({"a": tsv(DIRTY)})


def test_too_small_a_corpus_is_refused_before_anything_is_written(prepare: Any, clean_pairs: Clean, tsv: Tsv) -> None:
    assert prepare({"a": tsv(clean_pairs(20))}).report.splits == {"train": 18, "validation": 1, "test": 1}
    with pytest.raises(Refused, match="only 19 rows are left"):
        prepare({"a": tsv(clean_pairs(19))})
    assert not list(Path(os.environ["SAGEMAKER_BASE_DIR"]).glob("processing/output/*/*"))


def test_a_leak_is_refused_and_leaves_no_report(
    prepare: Any, clean_pairs: Clean, tsv: Tsv, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("steps.prepare.run.count_leaks", lambda *arguments: Leaks(equal=1, near=0))
    with pytest.raises(Refused, match="cross the splits"):
        prepare({"a": tsv(clean_pairs(40))})
    assert not list(Path(os.environ["SAGEMAKER_BASE_DIR"]).rglob("data-report.json"))


def run_as_the_container_does() -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "steps.prepare"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )


def test_as_a_process_it_ends_with_zero_and_json_lines(published: Any, clean_pairs: Clean, tsv: Tsv) -> None:
    root: Path = published({"a": tsv(clean_pairs(40))})
    done = run_as_the_container_does()
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["event"] for line in done.stdout.splitlines()][-2:] == ["prepared", "finished"]
    assert (root / "processing" / "output" / "data-report" / "data-report.json").is_file()


def test_as_a_process_a_refusal_ends_with_one_and_leaves_the_reason(published: Any) -> None:
    root: Path = published({"a": (b"one\ntwo\n", b"otu\n")})
    done = run_as_the_container_does()
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert (root / "output" / "failure").read_text().startswith("a.en has 2 lines and a.ig has 1")


@pytest.mark.skipif(not SAMPLE.is_file(), reason="the shared sample corpus is not on this machine")
def test_real_text_loses_few_rows_and_leaks_none(prepare: Any) -> None:
    report = prepare({"sample": SAMPLE.read_bytes()}).report
    assert report.rows_in == 2864
    assert report.rows_out > 0.9 * report.rows_in
    assert report.splits["test"] == report.splits["validation"] == report.rows_out * 5 // 100
    assert report.leaks.total == 0
