"""What a shard's report counts. All of it adds up over any cut of the same rows."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import xxhash

from steps.contract import Example, Histogram, ShardReport
from steps.languages import Language

EXAMPLES = 5
EXAMPLE_CHARACTERS = 200
LENGTH_EDGES = tuple(range(0, 1001, 10))  # of equal width, or a picture of shares would show steps of the bins
RATIO_EDGES = tuple(step / 10 for step in range(41))


def draw_order(row: int) -> int:
    """A hash of a row's number: the rows with the smallest are a fair draw, the same for any cut."""
    return xxhash.xxh3_64_intdigest(row.to_bytes(8, "little"))


class Bins:
    """Counts of values between fixed edges; the last bin holds everything from its edge on."""

    def __init__(self, edges: Iterable[float]) -> None:
        self.edges = list(edges)
        self.counts = np.zeros(len(self.edges), dtype=np.int64)

    def add(self, values: npt.NDArray[np.int64] | npt.NDArray[np.float64]) -> None:
        """Count values, none of them under the first edge."""
        bins = np.searchsorted(self.edges, values, side="right") - 1
        self.counts += np.bincount(bins, minlength=len(self.edges))

    def histogram(self) -> Histogram:
        """The counts so far."""
        return Histogram(edges=[float(edge) for edge in self.edges], counts=self.counts.tolist())


class Tally:
    """Adds up one shard."""

    def __init__(self, source: str, first_row: int, languages: tuple[Language, Language]) -> None:
        self.source = source
        self.first_row = first_row
        self.codes = [language.code for language in languages]
        self.rows_in = self.rows_kept = self.swapped = 0
        self.repaired: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self.benchmarks: Counter[str] = Counter()
        self.signals: Counter[str] = Counter()
        self.identified: dict[str, Counter[str]] = {code: Counter() for code in self.codes}
        self.lengths = {code: Bins(LENGTH_EDGES) for code in self.codes}
        self.ratio = Bins(RATIO_EDGES)
        self._first: dict[str, list[Example]] = {}
        self._drawn: dict[str, list[tuple[int, int, Example]]] = {}

    def drop(self, rule: str, row: int, number: int, texts: tuple[str, str], value: str | None) -> None:
        """Count a dropped row, and keep it as an example if it is one of the first or drawn."""
        self.dropped[rule] += 1
        if rule == "benchmark" and value is not None:
            self.benchmarks[value] += 1
        first, drawn = self._first.setdefault(rule, []), self._drawn.setdefault(rule, [])
        key = -draw_order(row)  # a heap gives its smallest: the largest hash, which has to go first
        if len(first) >= EXAMPLES and len(drawn) >= EXAMPLES and key <= drawn[0][0]:
            return
        left, right = (text[:EXAMPLE_CHARACTERS] for text in texts)
        example = Example(row=row, id=f"{self.source}:{number}", left=left, right=right, value=value)
        if len(first) < EXAMPLES:
            first.append(example)
        if len(drawn) < EXAMPLES:
            heapq.heappush(drawn, (key, row, example))
        else:
            heapq.heappushpop(drawn, (key, row, example))

    def keep(self, lengths: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]) -> None:
        """Count kept rows, given the characters of their sides."""
        self.rows_kept += len(lengths[0])
        for code, values in zip(self.codes, lengths, strict=True):
            self.lengths[code].add(values)
        self.ratio.add(lengths[1] / lengths[0])

    def report(self) -> ShardReport:
        """The shard's report."""
        return ShardReport(
            source=self.source,
            first_row=self.first_row,
            rows_in=self.rows_in,
            rows_kept=self.rows_kept,
            repaired=_sorted(self.repaired),
            dropped=_sorted(self.dropped),
            first=self._first,
            drawn={
                rule: [example for _, _, example in sorted(drawn, key=lambda item: (-item[0], item[1]))]
                for rule, drawn in self._drawn.items()
            },
            lengths={code: bins.histogram() for code, bins in self.lengths.items()},
            ratio=self.ratio.histogram(),
            identified={code: _sorted(counts) for code, counts in self.identified.items()},
            swapped=self.swapped,
            benchmarks=_sorted(self.benchmarks),
            signals=_sorted(self.signals),
        )


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return {name: count for name, count in sorted(counts.items()) if count}
