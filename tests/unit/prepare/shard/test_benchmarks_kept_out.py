"""Sentences of evaluation sets are found verbatim, embedded, on either side and in either language."""

from __future__ import annotations

import pickle
import random
import tracemalloc
from pathlib import Path

import pyarrow as pa
import pytest

from steps.languages import language
from steps.prepare.folding import fold
from steps.prepare.options import PrepareOptions
from steps.prepare.shard import Benchmark, build_benchmark
from steps.prepare.shard import benchmark as matching
from steps.prepare.tables import CUT
from tests.unit.prepare.shard.cuts import Pair, prepared

CODES = ("en", "ig")
CHANCE = random.Random(5)
WORDS = ["".join(CHANCE.choices("abdefghijklmnoprtuvwyz", k=CHANCE.randint(3, 8))) for _ in range(3000)]


def sentence(words: int) -> str:
    """A made-up sentence."""
    return " ".join(CHANCE.choices(WORDS, k=words))


def benchmark(pairs: list[tuple[str, str]], name: str = "held", **options: float) -> Benchmark:
    """Pairs as a benchmark, in tables of unequal sizes."""
    columns = [[pair[side].encode() for pair in pairs] for side in (0, 1)]
    table = pa.table([pa.array(column, pa.large_binary()) for column in columns], names=["left", "right"])
    tables = [table.slice(0, 1), table.slice(1)]
    return build_benchmark(
        name, tables, (language(CODES[0]), language(CODES[1])), PrepareOptions.model_validate(options)
    )


def dropped(folder: Path, pairs: list[Pair], *benchmarks: Benchmark) -> dict[int, str]:
    """Rows that the benchmarks drop."""
    shard = prepared(folder, pairs, CODES, benchmarks, identify=False, near_copies=False, off=("ratio",))
    assert set(shard.rules.values()) <= {"benchmark"}
    assert sum(shard.report.benchmarks.values()) == len(shard.rules)
    return shard.values


PAIRS = [(sentence(length % 20 + 2), sentence(length % 17 + 2)) for length in range(200)]


def test_verbatim_sentences_are_found_on_either_side(tmp_path: Path) -> None:
    rows: list[Pair] = [(left.upper() + "!", sentence(9)) for left, _ in PAIRS]
    rows += [(sentence(9), f"«{right}»") for _, right in PAIRS]
    found = dropped(tmp_path, rows, benchmark(PAIRS))
    assert len(found) == len(rows)
    assert set(found.values()) == {"held"}


def test_embedded_sentences_of_five_words_or_more_are_found(tmp_path: Path) -> None:
    long = [(left, right) for left, right in PAIRS if len(left.split()) >= 5 and len(right.split()) >= 5]
    rows: list[Pair] = [(f"{sentence(6)} {left}, {sentence(4)}", sentence(20)) for left, _ in long]
    rows += [(sentence(20), f"{sentence(3)}: {right}") for _, right in long]
    assert len(dropped(tmp_path, rows, benchmark(PAIRS))) == len(rows)


def test_unrelated_and_short_embedded_sentences_are_kept(tmp_path: Path) -> None:
    rows: list[Pair] = [(sentence(12), sentence(12)) for _ in range(300)]
    rows += [(f"{left} {sentence(5)}", sentence(9)) for left, _ in PAIRS if len(left.split()) < 5]
    assert dropped(tmp_path, rows, benchmark(PAIRS)) == {}


def test_half_of_the_five_grams_is_the_limit(tmp_path: Path) -> None:
    words = [f"unu{letter}" for letter in "abcdefghijkl"]  # 8 grams
    held = benchmark([(" ".join(words), sentence(3))])
    rows: list[Pair] = [(" ".join([*words[:8], "so", "it", "goes"]), sentence(11))]  # 4 of them
    rows += [(" ".join([*words[:7], "so", "it", "goes"]), sentence(11))]  # 3 of them
    assert dropped(tmp_path / "half", rows, held) == {0: "held"}
    strict = benchmark([(" ".join(words), sentence(3))], benchmark_overlap=0.3)
    assert dropped(tmp_path / "third", rows, strict) == {0: "held", 1: "held"}


def test_a_repeated_gram_counts_once(tmp_path: Path) -> None:
    words = [f"unu{letter}" for letter in "abcdefghijklm"]
    again = " ".join([*words[:5], "x", *words[:5], "y", *words[:5], "z", *words[:5], "w", *words[:5]])
    assert dropped(tmp_path, [(again, sentence(20))], benchmark([(" ".join(words), sentence(3))])) == {}


def test_several_benchmarks_are_named_and_can_be_sent_to_processes(tmp_path: Path) -> None:
    first, second = benchmark(PAIRS[:50], "first"), benchmark(PAIRS[50:], "second")
    sent = pickle.loads(pickle.dumps(second))  # noqa: S301
    rows: list[Pair] = [(PAIRS[3][0], sentence(9)), (PAIRS[60][0], sentence(9)), (sentence(9), sentence(9))]
    assert dropped(tmp_path, rows, first, sent) == {0: "first", 1: "second"}


def test_sentences_without_words_do_not_drop_everything_without_words(tmp_path: Path) -> None:
    held = benchmark([("...", "?!"), ("", "")])
    shard = prepared(tmp_path, [("***", "---")], CODES, [held], off=("letters", "ratio"), identify=False)
    assert shard.rules == {}


@pytest.mark.parametrize("pairs", [[], [("", "")]])
def test_an_empty_benchmark_finds_nothing(tmp_path: Path, pairs: list[tuple[str, str]]) -> None:
    assert dropped(tmp_path, [(sentence(8), sentence(8))], benchmark(pairs)) == {}
    assert CUT.field("left").type == pa.large_binary()


OPENING = "in the name of the law and of all the people who live here"  # 10 grams of its own


def openings(count: int, words: tuple[int, ...]) -> list[str]:
    """Sentences that begin alike and end in words of their own."""
    return [f"{OPENING} {sentence(words[place % len(words)])}" for place in range(count)]


@pytest.mark.parametrize("at_once", [1, 700, 5000])
def test_rows_and_benchmarks_that_share_an_opening_are_matched_alike_in_pieces_of_any_size(
    monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    held = benchmark([(text, sentence(7)) for text in openings(80, (8, 40, 90))])
    texts = [text for pair in zip(openings(60, (3, 11)), openings(60, (150,)), strict=True) for text in pair]
    texts += [" ".join(OPENING.split()[:words]) for words in range(len(OPENING.split()))]
    folded = fold(pa.array(texts), language("en"))
    whole = matching.hits(folded, held)
    assert 0 < whole.sum() < len(whole)
    monkeypatch.setattr(matching, "HITS_AT_ONCE", at_once)
    assert matching.hits(folded, held).tolist() == whole.tolist()


def test_many_rows_and_many_sentences_with_one_opening_need_the_memory_of_a_piece(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held = benchmark([(text, "") for text in openings(1000, (12,))])
    folded = fold(pa.array(openings(300, (12,))), language("en"))  # 3 million hits: 24 MB a column
    folded.keys()
    monkeypatch.setattr(matching, "HITS_AT_ONCE", 20_000)
    tracemalloc.start()
    try:
        matching.hits(folded, held)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 << 20
