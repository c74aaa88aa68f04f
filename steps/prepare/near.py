"""Exact set-similarity join: every pair of sets whose Jaccard similarity is at least 0.8, none missed, none guessed.

Prefix filter (Chaudhuri, Ganti, Kaushik 2006; Bayardo, Ma, Srikant 2007): two sets at or over the threshold t share
at least t|x| tokens of the larger set x, so with one common order of tokens their first n - ceil(t n) + 1 tokens must
share one. With rare tokens first, few other sets share it. Every candidate is then compared in full.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

# The threshold as a fraction, so that comparing is exact
NUMERATOR, DENOMINATOR = 4, 5

TokenSet = tuple[int, ...]  # distinct ranks, ascending: the rarest token first


def rare_first(sets: Iterable[set[str]]) -> list[TokenSet]:
    """Sets of words as sets of ranks, where rank 0 is the rarest token of all; ties in order of appearance.

    The tokens of a set are visited in sorted order, so the ranks are the same in every process.
    """
    vocabulary: dict[str, int] = {}
    encoded = [[vocabulary.setdefault(token, len(vocabulary)) for token in sorted(tokens)] for tokens in sets]
    counts = Counter(token for tokens in encoded for token in tokens)
    rank = [0] * len(vocabulary)
    for position, token in enumerate(sorted(counts, key=lambda token: (counts[token], token))):
        rank[token] = position
    return [tuple(sorted(rank[token] for token in tokens)) for tokens in encoded]


def least_overlap(size: int) -> int:
    """Tokens that a set of this size must share with a set no larger than itself; also the smaller set's least size."""
    return -(-NUMERATOR * size // DENOMINATOR)


def are_near(first: set[int], second: TokenSet) -> bool:
    """True when |first & second| / |first | second| is at or over the threshold."""
    shared = len(first.intersection(second))
    return DENOMINATOR * shared >= NUMERATOR * (len(first) + len(second) - shared)


def near_copies(sets: Sequence[TokenSet]) -> Iterator[tuple[int, list[int]]]:
    """Once for every set: its index and the indices of the near sets that came before it, by size.

    Each near pair appears once. Give distinct sets: n equal ones would make n(n-1)/2 pairs.
    """
    index: defaultdict[int, list[int]] = defaultdict(list)
    for current in sorted(range(len(sets)), key=lambda place: len(sets[place])):
        tokens = sets[current]
        smallest = least_overlap(len(tokens))
        prefix = tokens[: len(tokens) - smallest + 1]
        candidates: set[int] = set()
        for token in prefix:
            for earlier in reversed(index[token]):  # largest first
                if len(sets[earlier]) < smallest:
                    break
                candidates.add(earlier)
            index[token].append(current)
        members = set(tokens)
        yield current, sorted(earlier for earlier in candidates if are_near(members, sets[earlier]))
