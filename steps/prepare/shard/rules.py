"""The rules that need only the row itself, in the order in which they are asked. The first that hits a row drops it.

Limits: what they cost on professional translations is measured in the project's data facts; lengths and ratio follow
OpusFilter, OpusCleaner and bicleaner-hardrules, tightened to what Igbo, Swahili and English need.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from steps.prepare.characters import CODE_POINTS, Flags, matching
from steps.prepare.options import LOCAL_RULES, PrepareOptions
from steps.prepare.shard.benchmark import Benchmark
from steps.prepare.shard.benchmark import hits as benchmark_hits
from steps.prepare.shard.decoding import REPLACEMENT
from steps.prepare.shard.identification import identify
from steps.prepare.shard.repetition import loop, may_loop
from steps.prepare.shard.sides import Pairs

Value = Callable[[int], str | None]


@dataclass
class Question:
    """What a rule is asked: which rows of which pairs, under which options. Identification leaves its counts here."""

    pairs: Pairs
    options: PrepareOptions
    benchmarks: Sequence[Benchmark]
    asked: Flags
    identified: tuple[Counter[str], Counter[str]] = field(default_factory=lambda: (Counter(), Counter()))
    swapped: int = 0


@dataclass(frozen=True)
class Hits:
    """Rows that a rule hits, and what it found in a row. Rows that were not asked about do not count."""

    rows: Flags
    value: Value = lambda _: None


@dataclass(frozen=True)
class Rule:
    """One line of the waterfall."""

    name: str
    explain: Callable[[PrepareOptions], str]
    find: Callable[[Question], Hits]

    def reason(self, options: PrepareOptions) -> str:
        """Why a row goes, with the limit in force."""
        return self.explain(options)


def empty(question: Question) -> Hits:
    """A side is blank."""
    left, right = question.pairs.sides
    return Hits((left.lengths == 0) | (right.lengths == 0))


def undecodable(question: Question) -> Hits:
    """A side holds bytes that are not UTF-8, or the mark that an earlier conversion put for them."""
    left, right = question.pairs.sides
    return Hits(left.with_character(_replacement()) | right.with_character(_replacement()))


def malformed(question: Question) -> Hits:
    """Never hits: judging takes what the reader found before it asks any rule. Here for the name and the reason."""
    return Hits(np.zeros(len(question.pairs), dtype=np.bool_))


def too_short(question: Question) -> Hits:
    """A side is under the least length."""
    shorter = np.minimum(*(side.lengths for side in question.pairs.sides))
    return Hits(shorter < question.options.min_characters, lambda row: str(shorter[row]))


def too_long(question: Question) -> Hits:
    """A side is over the greatest length."""
    longer = np.maximum(*(side.lengths for side in question.pairs.sides))
    return Hits(longer > question.options.max_characters, lambda row: str(longer[row]))


def ratio(question: Question) -> Hits:
    """One side is much longer than the other."""
    left, right = (side.lengths for side in question.pairs.sides)
    shorter, longer = np.minimum(left, right), np.maximum(left, right)
    uneven = (longer >= question.options.ratio_from) & (longer > question.options.max_ratio * shorter)
    return Hits(uneven, lambda row: f"{longer[row] / shorter[row]:.2f}" if shorter[row] else None)


def identical(question: Question) -> Hits:
    """Both sides are the same text, but for case. Equal lengths are looked at, and folds that change a length."""
    left, right = question.pairs.sides
    grows = left.with_character(_growing_folds()) | right.with_character(_growing_folds())
    places = np.flatnonzero(question.asked & (grows | (left.lengths == right.lengths)))
    rows = np.zeros(len(question.pairs), dtype=np.bool_)
    for place, first, second in zip(places.tolist(), left.some(places), right.some(places), strict=True):
        rows[place] = first == second or first.casefold() == second.casefold()
    return Hits(rows)


def letters(question: Question) -> Hits:
    """A side is mostly other scripts, digits or signs. Spaces do not count, so few texts need theirs counted."""
    least = question.options.min_letters
    shares: dict[int, float] = {}
    for side in question.pairs.sides:
        places = np.flatnonzero(question.asked & (side.letters < least * side.lengths))
        for place, text in zip(places.tolist(), side.some(places), strict=True):
            share = int(side.letters[place]) / max(1, len(text) - text.count(" "))
            shares[place] = min(share, shares.get(place, 1))
    rows = np.zeros(len(question.pairs), dtype=np.bool_)
    rows[[place for place, share in shares.items() if share < least]] = True
    return Hits(rows, lambda row: f"{shares[row]:.2f}")


def repetition(question: Question) -> Hits:
    """A side repeats a chunk three times in a row."""
    chunks: dict[int, str] = {}
    for side in question.pairs.sides:
        for row, periods in may_loop(side.rows).items():
            chunk = loop(side.text(row), periods) if question.asked[row] else None
            if chunk is not None:
                chunks.setdefault(row, chunk)
    rows = np.zeros(len(question.pairs), dtype=np.bool_)
    rows[list(chunks)] = True
    return Hits(rows, chunks.get)


def language(question: Question) -> Hits:
    """A side is called another language than its own."""
    pairs = question.pairs
    identified = identify(pairs, question.asked, question.options.identify_from)
    question.identified = identified.counts()
    question.swapped = int(identified.swapped(pairs).sum())
    left, right = identified.foreign(pairs)

    def value(row: int) -> str:
        found = []
        for foreign, codes, side in ((left, identified.left, pairs.left), (right, identified.right, pairs.right)):
            if foreign[row]:
                found.append(f"{side.language.code}: {codes[row]}")
        return ", ".join(found)

    return Hits(left | right, value)


def similarity(question: Question) -> Hits:
    """The scorer finds that the sides do not translate each other."""
    scorer = question.options.scorer
    rows = np.zeros(len(question.pairs), dtype=np.bool_)
    places = np.flatnonzero(question.asked)
    if scorer is None or not len(places):
        return Hits(rows)
    from steps.prepare.shard.similarity import similarities

    left, right = question.pairs.sides
    scores = similarities(left.some(places), right.some(places), scorer)
    rows[places] = scores < scorer.minimum
    found = dict(zip(places.tolist(), scores.tolist(), strict=True))
    return Hits(rows, lambda row: f"{found[row]:.3f}")


def benchmark(question: Question) -> Hits:
    """A side holds a sentence of a benchmark."""
    names: dict[int, str] = {}
    for item in question.benchmarks:
        for side in question.pairs.sides:
            for place in np.flatnonzero(benchmark_hits(side.folded, item)).tolist():
                names.setdefault(place, item.name)
    rows = np.zeros(len(question.pairs), dtype=np.bool_)
    rows[list(names)] = True
    return Hits(rows, names.get)


@cache
def _replacement() -> Flags:
    table = np.zeros(CODE_POINTS, dtype=np.bool_)
    table[ord(REPLACEMENT)] = True
    return table


@cache
def _growing_folds() -> Flags:
    table = np.zeros(CODE_POINTS, dtype=np.bool_)
    changing = np.flatnonzero(matching(r"\p{Changes_When_Casefolded}")).tolist()
    table[[point for point in changing if len(chr(point).casefold()) > 1]] = True
    return table


RULES = (
    Rule("empty", lambda _: "a side is blank", empty),
    Rule("undecodable", lambda _: "a side is not UTF-8", undecodable),
    Rule("malformed", lambda _: "the source's row has not the columns or fields it should have", malformed),
    Rule("too-short", lambda o: f"a side has fewer than {o.min_characters} characters", too_short),
    Rule("too-long", lambda o: f"a side has more than {o.max_characters:,} characters", too_long),
    Rule("ratio", lambda o: f"one side is over {o.max_ratio:g} times as long, and at least {o.ratio_from}", ratio),
    Rule("identical", lambda _: "both sides are the same text", identical),
    Rule("letters", lambda o: f"under {o.min_letters:.0%} of a side are letters of its language's scripts", letters),
    Rule("repetition", lambda _: "a side repeats the same characters three times in a row", repetition),
    Rule("language", lambda o: f"a side of {o.identify_from} characters or more is in another language", language),
    Rule("similarity", lambda o: f"the sides' similarity is under {o.scorer.minimum if o.scorer else 0:g}", similarity),
    Rule("benchmark", lambda o: f"a side holds {o.benchmark_overlap:.0%} of a benchmark's sentence", benchmark),
)
RULES_BY_NAME = {rule.name: rule for rule in RULES}
assert tuple(RULES_BY_NAME) == LOCAL_RULES  # noqa: S101  the options name the same rules in the same order
