"""The shard function: what it writes, that nothing is half-written, and that no cut changes anything."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steps.contract import ShardReport
from steps.job import Refused
from steps.languages import language
from steps.prepare.options import PrepareOptions
from steps.prepare.shard import Benchmark, build_benchmark, prepare_shard, preparing, writing
from steps.prepare.shard.counting import draw_order
from steps.prepare.tables import DROPPED, HASHES, KEPT, KEYS, SHARD_REPORT
from tests.unit.prepare.shard.cuts import Pair, Shard, prepared, write_cut

GOOD: list[Pair] = [
    ("Where did the river go, my friend?", "Olee ebe osimiri ahụ gara, enyi m?"),
    ("The market opens at 7 in the morning", "Ahịa na-emeghe n'elekere 7 nke ụtụtụ"),
    ("Write to me at a.b@example.org, please", "Biko, degara m akwụkwọ ozi"),
    ("See https://example.org for more <b>news</b>", "Gaa na https://example.org maka akụkọ"),
    ("Call us on +234 803 555 0101 before noon today!", "Kpọọ anyị na +234 803 555 0101 tupu ehihie taa!"),
    ("O\u0323 di mma", "Ọ dị\u00a0mma  nke ukwuu"),
]
BAD: list[Pair] = [
    ("", "efu"),
    (b"\xff\xfe bad", "ọjọọ"),
    ("same", "Same"),
    ("1234567", "7654321"),
    ("word " * 300, "okwu"),
    ("ha ha ha ha ha ha", "ọchị ọchị"),
]
HELD = build_benchmark(
    "held",
    [pa.table([pa.array([b"Olee ebe ahia di?"], pa.large_binary())] * 2, names=["left", "right"])],
    (language("en"), language("ig")),
    PrepareOptions(),
)
rows = st.lists(
    st.one_of(
        st.sampled_from(GOOD + BAD),
        st.tuples(
            st.text(st.characters(exclude_categories=["Cs"]), max_size=30).map(str.encode), st.binary(max_size=30)
        ),
        st.tuples(st.text("abcọụ́é. 12", max_size=60), st.text("abcọụ́é. 12", max_size=60)),
        st.just(("olee ebe AHIA di", "Ebe dị anya")),
    ),
    min_size=1,
    max_size=25,
)


def added(reports: list[ShardReport]) -> dict[str, Any]:
    """Reports of consecutive shards, added up as the data report does it."""

    def plus(first: Any, second: Any) -> Any:
        if isinstance(first, dict):
            return {
                name: plus(first[name], second[name])
                if name in first and name in second
                else first.get(name, second.get(name))
                for name in sorted(first | second)
            }
        if isinstance(first, list) and first and isinstance(first[0], int):
            return [one + other for one, other in zip(first, second, strict=True)]
        return first + second

    total: dict[str, Any] = {}
    for report in reports:
        fields = report.model_dump(exclude={"source", "first_row"})
        for name in ("lengths", "ratio"):
            fields[name] = report.model_dump()[name]
        total = _plus_report(total, fields, plus) if total else fields
    for kind, key in (("first", lambda item: item["row"]), ("drawn", lambda item: draw_order(item["row"]))):
        total[kind] = {rule: sorted(items, key=key)[:5] for rule, items in sorted(total[kind].items())}
    return total


def _plus_report(first: dict[str, Any], second: dict[str, Any], plus: Any) -> dict[str, Any]:
    merged = {name: plus(first[name], second[name]) for name in first if name not in ("lengths", "ratio")}
    merged["ratio"] = first["ratio"] | {"counts": plus(first["ratio"]["counts"], second["ratio"]["counts"])}
    merged["lengths"] = {
        code: item | {"counts": plus(item["counts"], second["lengths"][code]["counts"])}
        for code, item in first["lengths"].items()
    }
    return merged


def together(shards: list[Shard]) -> tuple[dict[str, Any], ...]:
    """Tables of consecutive shards as one, and their reports added up."""
    tables = [[shard.kept for shard in shards], [shard.dropped for shard in shards], [shard.hashes for shard in shards]]
    return (*(pa.concat_tables(parts).to_pydict() for parts in tables), added([shard.report for shard in shards]))


@settings(max_examples=25)
@given(rows, st.lists(st.integers(0, 25), max_size=4), st.integers(1, 7), st.booleans())
def test_any_cut_of_the_same_rows_gives_the_same(
    pairs: list[Pair], places: list[int], rows_at_once: int, near_copies: bool
) -> None:
    bounds = [0, *sorted({place for place in places if 0 < place < len(pairs)}), len(pairs)]
    with TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        options: dict[str, Any] = {"benchmarks": [HELD], "near_copies": near_copies}
        whole = together([prepared(Path(name) / "whole", pairs, **options)])
        patch.setattr(preparing, "ROWS_AT_ONCE", rows_at_once)
        parts = [
            prepared(Path(name) / "parts", pairs[start:end], first=start, **options) for start, end in pairwise(bounds)
        ]
        assert together(parts) == whole


def test_every_row_is_kept_or_dropped_once_and_in_order(tmp_path: Path) -> None:
    pairs = [pair for both in zip(GOOD, BAD, strict=True) for pair in both]
    shard = prepared(tmp_path, pairs)
    assert shard.kept["row"].to_pylist() == [0, 2, 4, 6, 8, 10]
    assert shard.dropped["row"].to_pylist() == [1, 3, 5, 7, 9, 11]
    assert shard.hashes["row"].to_pylist() == shard.kept["row"].to_pylist()
    assert (shard.report.rows_in, shard.report.rows_kept, sum(shard.report.dropped.values())) == (12, 6, 6)
    assert shard.kept["number"].to_pylist()[0] == 1
    assert shard.kept["right"].to_pylist()[-1] == "Ọ dị mma nke ukwuu"
    assert shard.report.repaired == {"nfc": 1, "white-space": 2}
    assert (shard.kept.schema, shard.dropped.schema, shard.hashes.schema.remove_metadata()) == (KEPT, DROPPED, HASHES)


def test_without_near_copies_there_are_no_bands(tmp_path: Path) -> None:
    assert prepared(tmp_path, GOOD, near_copies=False).hashes.schema.remove_metadata() == KEYS


def test_the_key_of_a_pair_is_not_that_of_its_mirror_image(tmp_path: Path) -> None:
    shard = prepared(tmp_path, [("one red house", "two blue cars"), ("two blue cars", "one red house")], identify=False)
    assert len(set(shard.hashes["pair"].to_pylist())) == 2
    assert shard.hashes["left"].to_pylist() == shard.hashes["right"].to_pylist()[::-1]


def test_signals_are_counted_and_drop_nothing(tmp_path: Path) -> None:
    shard = prepared(
        tmp_path,
        [*GOOD, ("He was 12", "Ọ dị iri na abụọ."), ("they are 1,000 and 2", "ha bụ 2 na 1 000")],
        identify=False,
    )
    assert shard.report.signals == {
        "e-mail": 1, "end-punctuation-differs": 1, "html": 1, "numbers-differ": 1, "phone": 1, "url": 1,
    }  # fmt: skip
    assert len(shard.kept) == 8


def test_histograms_count_the_kept_rows(tmp_path: Path) -> None:
    report = prepared(
        tmp_path, [("abcdefghi", "abcdefghijx"), ("abcdefghijk", "xbc"), ("", "x")], off=("ratio",)
    ).report
    assert report.lengths["en"].counts[:2] == [1, 1]
    assert report.lengths["ig"].counts[:2] == [1, 1]
    assert sum(report.ratio.counts) == 2
    assert report.ratio.counts[report.ratio.edges.index(1.2)] == 1


def test_long_texts_are_cut_where_they_are_dropped(tmp_path: Path) -> None:
    shard = prepared(tmp_path, [("wörd " * 10_000, "okwu " * 10_000)])
    assert shard.values == {0: "49999"}
    assert len(shard.dropped["left"][0].as_py()) == PrepareOptions().max_characters
    assert len(shard.report.first["too-long"][0].left) == 200


def test_examples_are_the_first_five_and_five_drawn_by_hash(tmp_path: Path) -> None:
    report = prepared(tmp_path, [("", f"n{place}") for place in range(50)], first=1000).report
    assert [example.row for example in report.first["empty"]] == [1000, 1001, 1002, 1003, 1004]
    assert [example.row for example in report.drawn["empty"]] == sorted(range(1000, 1050), key=draw_order)[:5]
    assert report.first["empty"][0].id == "made up:1001"


def test_an_empty_cut_makes_an_empty_shard(tmp_path: Path) -> None:
    shard = prepared(tmp_path, [])
    assert (len(shard.kept), len(shard.dropped), len(shard.hashes), shard.report.rows_in) == (0, 0, 0, 0)


def test_a_shard_that_fails_leaves_nothing_and_a_second_try_makes_it_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments: Any = ((language("en"), language("ig")), PrepareOptions(), [])
    cut = write_cut(tmp_path / "cut.arrow", GOOD)
    with monkeypatch.context() as patch:
        patch.setattr(writing.pq, "write_table", lambda *_, **__: (_ for _ in ()).throw(OSError("disk full")))
        with pytest.raises(OSError, match="disk full"):
            prepare_shard(cut, tmp_path / "shard", *arguments)
    assert [path.name for path in tmp_path.iterdir()] == ["cut.arrow"]
    (tmp_path / ".shard.partial").mkdir()  # what a killed process leaves
    prepare_shard(cut, tmp_path / "shard", *arguments)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cut.arrow", "shard"]
    assert (tmp_path / "shard" / SHARD_REPORT).is_file()


def test_a_cut_that_is_not_whole_is_refused(tmp_path: Path) -> None:
    cut = write_cut(tmp_path / "cut.arrow", GOOD)
    cut.write_bytes(cut.read_bytes()[:-100])
    with pytest.raises(Refused, match="cut.arrow is not a whole file"):
        prepare_shard(cut, tmp_path / "shard", (language("en"), language("ig")), PrepareOptions(), [])


def test_languages_follow_the_codes(tmp_path: Path) -> None:
    pairs: list[Pair] = [
        ("we walked along the river until the evening came", "tulitembea kando ya mto mpaka jioni ikafika")
    ]
    assert prepared(tmp_path / "sw", pairs, ("en", "sw")).rules == {}
    assert prepared(tmp_path / "ig", pairs, ("en", "ig")).values == {0: "ig: sw"}


def test_a_benchmark_can_be_sent_along(tmp_path: Path) -> None:
    assert isinstance(HELD, Benchmark)
    shard = prepared(tmp_path, [("Olee ebe ahia di", "ebe ọzọ"), GOOD[0]], benchmarks=[HELD])
    assert (shard.values, shard.report.benchmarks) == ({0: "held"}, {"held": 1})
