"""Which sentences of one side belong together: equal keys, equal bigram sets, verified near-copies."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from steps.prepare.keys import shingles, words
from steps.prepare.near import TokenSet, near_copies, rare_first
from steps.prepare.progress import watched


def links(sentences: Sequence[str], phase: str) -> Iterator[tuple[int, int]]:
    """Pairs of indices of sentences that are the same or near-copies.

    Equal sentences are linked to the first of them only. That is enough to connect all of them, and enough to find
    a leak: when two members of a group lie in different splits, some link has its ends in different splits.
    """
    first_with_key: dict[str, int] = {}
    first_with_words: dict[str, int] = {}
    for place, sentence in enumerate(sentences):
        form = " ".join(words(sentence))
        yield first_with_key.setdefault(form.replace(" ", ""), place), place
        first_with_words.setdefault(form, place)

    first_with_set: dict[TokenSet, int] = {}
    places = first_with_words.values()
    for place, tokens in zip(places, rare_first(shingles(form.split()) for form in first_with_words), strict=True):
        yield first_with_set.setdefault(tokens, place), place

    sets, firsts = list(first_with_set), list(first_with_set.values())
    for current, near in watched(near_copies(sets), len(sets), phase):
        for earlier in near:
            yield firsts[earlier], firsts[current]
