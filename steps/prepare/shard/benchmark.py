"""Decontamination: rows that hold a sentence of somebody's evaluation set, in either language, on either side.

A row is hit when a side has a benchmark sentence's key, or at least `benchmark_overlap` of its word 5-grams. On real
benchmarks this finds all verbatim copies and 90 % and more of the sentences embedded in longer ones, and no unrelated
text; 13-grams miss most short questions. Sentences under five words are found by their key alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from steps.languages import Language
from steps.prepare.characters import Flags, Places
from steps.prepare.folding import Folded, fold_rows
from steps.prepare.options import PrepareOptions
from steps.prepare.shard.decoding import decode
from steps.prepare.shard.repairing import repair_all
from steps.prepare.words import FIRST_FACTOR, Hashes, mixed

GRAM = 5  # words
HITS_AT_ONCE = 1 << 20  # grams of rows times benchmark sentences that have them, 40 bytes each
_SIEVE_BITS = 22  # one byte for every value of a gram's low bits: 4 MiB that answer most questions with no


@dataclass(frozen=True)
class Benchmark:
    """An evaluation set as hashes, both languages together. Plain arrays, so that it can be sent to processes."""

    name: str
    keys: Hashes  # ascending
    grams: Hashes  # ascending; a gram of several sentences is there for each of them
    sentences: npt.NDArray[np.int64]  # the sentence of each gram
    needed: npt.NDArray[np.int64]  # per sentence, the different grams that a row must share
    sieve: Flags  # by the low bits of a gram, whether any gram has them


def build_benchmark(
    name: str, tables: Iterable[pa.Table], languages: tuple[Language, Language], options: PrepareOptions
) -> Benchmark:
    """Hash an evaluation set, given as tables with the columns left and right of raw bytes."""
    keys, grams, sentences, sizes = [], [], [], []
    seen = 0
    for table in tables:
        for column, language in zip(("left", "right"), languages, strict=True):
            for chunk in table.column(column).chunks:
                folded = fold_rows(repair_all(decode(chunk)).rows, language)
                counts = folded.word_hashes[1]
                keys.append(folded.keys()[counts > 0])
                rows, values = _as_sets(*_grams(folded))
                grams.append(values)
                sentences.append(rows + seen)
                sizes.append(np.bincount(rows, minlength=len(counts)))
                seen += len(counts)
    all_grams = np.concatenate(grams) if grams else np.zeros(0, dtype=np.uint64)
    order = np.argsort(all_grams, kind="stable")
    sieve = np.zeros(1 << _SIEVE_BITS, dtype=np.bool_)
    sieve[_low_bits(all_grams)] = True
    per_sentence = np.concatenate(sizes) if sizes else np.zeros(0, dtype=np.int64)
    return Benchmark(
        name=name,
        keys=np.unique(np.concatenate(keys)) if keys else np.zeros(0, dtype=np.uint64),
        grams=all_grams[order],
        sentences=np.concatenate(sentences)[order] if sentences else np.zeros(0, dtype=np.int64),
        needed=np.ceil(per_sentence * options.benchmark_overlap - 1e-9).astype(np.int64),
        sieve=sieve,
    )


def hits(folded: Folded, benchmark: Benchmark) -> Flags:
    """Rows of one side that hold a sentence of the benchmark."""
    found = _contains(benchmark.keys, folded.keys())
    rows, grams = _grams(folded)
    likely = np.flatnonzero(benchmark.sieve[_low_bits(grams)])
    if not len(likely):
        return found
    rows, grams = _as_sets(rows[likely], grams[likely])
    first = np.searchsorted(benchmark.grams, grams, side="left")
    times = np.searchsorted(benchmark.grams, grams, side="right") - first
    for piece in _pieces(rows, times):
        found[_sharing(rows[piece], first[piece], times[piece], benchmark)] = True
    return found


def _pieces(rows: Places, times: Places) -> Iterator[slice]:
    """Runs of whole rows with at most HITS_AT_ONCE hits, or of one row, which hits each gram of the benchmark once."""
    ends = np.append(np.flatnonzero(rows[1:] != rows[:-1]) + 1, len(rows))
    totals = np.cumsum(times)[ends - 1]
    done = start = taken = 0
    while done < len(ends):
        done = max(done + 1, int(np.searchsorted(totals, taken + HITS_AT_ONCE, side="right")))
        yield slice(start, int(ends[done - 1]))
        start, taken = int(ends[done - 1]), int(totals[done - 1])


def _sharing(rows: Places, first: Places, times: Places, benchmark: Benchmark) -> Places:
    """Rows that share enough with a sentence: gram i of `rows[i]` is at `times[i]` places of the benchmark's grams,
    from `first[i]` on."""
    before = np.repeat(np.cumsum(times) - times, times)
    entries = np.repeat(first, times) + np.arange(int(times.sum())) - before
    pairs = np.repeat(rows, times) * (len(benchmark.needed) + 1) + benchmark.sentences[entries]
    shared, counts = np.unique(pairs, return_counts=True)
    row, sentence = np.divmod(shared, len(benchmark.needed) + 1)
    return row[counts >= benchmark.needed[sentence]]


def _grams(folded: Folded) -> tuple[Places, Hashes]:
    """All runs of five words: the row and the hash of each, in order and with repetitions."""
    words, counts = folded.word_hashes
    runs = len(words) - GRAM + 1
    if runs <= 0:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.uint64)
    values = words[:runs].copy()
    for place in range(1, GRAM):
        values *= FIRST_FACTOR
        values += words[place : place + runs]
    row_of = np.repeat(np.arange(len(counts)), counts)
    inside = np.flatnonzero(row_of[:runs] == row_of[GRAM - 1 :])
    return row_of[inside], mixed(values[inside])


def _as_sets(rows: Places, grams: Hashes) -> tuple[Places, Hashes]:
    """Every gram of a row once."""
    order = np.lexsort((grams, rows))
    rows, grams = rows[order], grams[order]
    new = np.ones(len(rows), dtype=np.bool_)
    new[1:] = (rows[1:] != rows[:-1]) | (grams[1:] != grams[:-1])
    return rows[new], grams[new]


def _low_bits(grams: Hashes) -> npt.NDArray[np.int64]:
    return (grams & np.uint64((1 << _SIEVE_BITS) - 1)).astype(np.int64)


def _contains(ascending: Hashes, values: Hashes) -> Flags:
    if not len(ascending):
        return np.zeros(len(values), dtype=np.bool_)
    places = np.minimum(np.searchsorted(ascending, values), len(ascending) - 1)
    return np.asarray(ascending[places] == values)
