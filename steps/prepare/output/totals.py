"""Adds the reports of all shards up, into the same totals and the same order of keys for any cut."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from steps.contract import Example, Histogram, ShardReport
from steps.job import Refused
from steps.prepare.output.verdicts import DEFECT
from steps.prepare.stable_hash import xxh3_64

EXAMPLES = 5


@dataclass(frozen=True)
class Totals:
    """The fields of ShardReport over several shards of a source, or of all sources."""

    rows_in: int
    rows_kept: int
    repaired: dict[str, int]
    dropped: dict[str, int]
    first: dict[str, list[Example]]
    drawn: dict[str, list[Example]]
    lengths: dict[str, Histogram]
    ratio: Histogram
    identified: dict[str, dict[str, int]]
    swapped: int
    benchmarks: dict[str, int]
    signals: dict[str, int]


def add_up(shards: Sequence[ShardReport]) -> Totals:
    """Totals of one shard or more, in any order."""
    return Totals(
        rows_in=sum(shard.rows_in for shard in shards),
        rows_kept=sum(shard.rows_kept for shard in shards),
        repaired=_counts(shard.repaired for shard in shards),
        dropped=_counts(shard.dropped for shard in shards),
        first=_examples([shard.first for shard in shards], first_of),
        drawn=_examples([shard.drawn for shard in shards], drawn_of),
        lengths=_histograms([shard.lengths for shard in shards]),
        ratio=_histogram([shard.ratio for shard in shards]),
        identified=_identified([shard.identified for shard in shards]),
        swapped=sum(shard.swapped for shard in shards),
        benchmarks=_counts(shard.benchmarks for shard in shards),
        signals=_counts(shard.signals for shard in shards),
    )


def first_of(examples: Iterable[Example]) -> list[Example]:
    """The five lowest rows."""
    return sorted(examples, key=lambda example: example.row)[:EXAMPLES]


def drawn_of(examples: Iterable[Example]) -> list[Example]:
    """The five rows with the smallest hash."""
    listed = list(examples)
    hashes = xxh3_64(np.array([example.row for example in listed], np.uint64)).tolist()
    ranked = sorted(zip(hashes, listed, strict=True), key=lambda item: (item[0], item[1].row))
    return [example for _, example in ranked[:EXAMPLES]]


def _counts(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for part in parts:
        total.update(part)
    return dict(sorted(total.items()))


def _examples(
    parts: Sequence[Mapping[str, list[Example]]], choose: Callable[[Iterable[Example]], list[Example]]
) -> dict[str, list[Example]]:
    rules = sorted({rule for part in parts for rule in part})
    return {rule: choose(example for part in parts for example in part.get(rule, [])) for rule in rules}


def _histograms(parts: Sequence[Mapping[str, Histogram]]) -> dict[str, Histogram]:
    codes = sorted({code for part in parts for code in part})
    return {code: _histogram([part[code] for part in parts if code in part]) for code in codes}


def _histogram(parts: Sequence[Histogram]) -> Histogram:
    edges = parts[0].edges
    if any(part.edges != edges for part in parts):
        raise Refused(f"shards counted lengths in different bins: they come from different versions. {DEFECT}")
    return Histogram(edges=edges, counts=[sum(counts) for counts in zip(*(part.counts for part in parts), strict=True)])


def _identified(parts: Sequence[Mapping[str, Mapping[str, int]]]) -> dict[str, dict[str, int]]:
    """By language code in order, the most frequent name first."""
    codes = sorted({code for part in parts for code in part})
    totals = {code: _counts(part.get(code, {}) for part in parts) for code in codes}
    return {code: dict(sorted(total.items(), key=lambda item: (-item[1], item[0]))) for code, total in totals.items()}
