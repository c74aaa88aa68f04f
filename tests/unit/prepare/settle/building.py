"""Shards as the shard function leaves them, made slowly and plainly; a judge of near-copies that shares no code."""

from __future__ import annotations

import random
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from steps.languages import language
from steps.prepare.folding import fold
from steps.prepare.options import PrepareOptions
from steps.prepare.settle import Settled, settle
from steps.prepare.settle.engine import open_engine
from steps.prepare.tables import HASHES, HASHES_FILE, KEPT, KEPT_FILE, KEYS, LEFT_BANDS, RIGHT_BANDS, ROWS_PER_BAND

Pairs = Sequence[tuple[str, str]]
LANGUAGES = (language("en"), language("ig"))
LEXICON = [f"{first}{second}" for first in ("ba", "ke", "di", "gwu", "ọ") for second in ("ma", "rụ", "nso", "e", "")]


@dataclass(frozen=True)
class Outcome:
    """What settling some pairs came to."""

    settled: Settled
    pairs: Pairs

    @property
    def bytes(self) -> bytes:
        return self.settled.verdicts.read_bytes()

    @property
    def verdicts(self) -> dict[int, dict[str, Any]]:
        return {verdict["row"]: verdict for verdict in pq.read_table(self.settled.verdicts).to_pylist()}

    def dropped(self, rule: str) -> dict[int, str]:
        """Rows that a rule dropped, with its value."""
        return {row: verdict["value"] for row, verdict in self.verdicts.items() if verdict["rule"] == rule}

    @property
    def splits(self) -> dict[int, list[int]]:
        """Rows per split."""
        verdicts = self.verdicts
        splits: dict[int, list[int]] = {0: [], 1: [], 2: []}
        for row in range(len(self.pairs)):
            verdict = verdicts.get(row, {"rule": None, "split": 0})
            if verdict["rule"] is None:
                splits[verdict["split"]].append(row)
        return splits


def settled(pairs: Pairs, folder: Path, cuts: Sequence[int] = (), workers: int = 1, **options: Any) -> Outcome:
    """Settle pairs on the native engine, cut into shards before these rows."""
    shards = build(pairs, folder / "shards", cuts)
    return Outcome(settle_shards(shards, folder / "settle", "native", workers, **options), pairs)


def settle_shards(shards: Sequence[Path], work: Path, engine: str, workers: int = 1, **options: Any) -> Settled:
    """Settle shards with seed 17."""
    seed = options.pop("seed", 17)
    chosen = PrepareOptions(**options)
    return settle(shards, LANGUAGES, chosen, seed, open_engine(engine), work, workers, lambda *_: None)


def build(pairs: Pairs, into: Path, cuts: Sequence[int] = (), bands: bool = True) -> list[Path]:
    """Write kept.arrow and hashes.parquet for shards that begin at these rows."""
    edges = [0, *sorted(cuts), len(pairs)]
    return [
        _shard(pairs[first:last], first, into / f"{number:05d}", bands)
        for number, (first, last) in enumerate(pairwise(edges))
    ]


def _shard(pairs: Pairs, first: int, folder: Path, bands: bool) -> Path:
    folder.mkdir(parents=True)
    rows = pa.array(range(first, first + len(pairs)), pa.uint64())
    sides = [pa.array([pair[side] for pair in pairs], pa.large_string()) for side in (0, 1)]
    folded = [fold(side, language) for side, language in zip(sides, LANGUAGES, strict=True)]
    left, right = (side.keys() for side in folded)
    numbers = pa.array(range(1, len(pairs) + 1), pa.int64())
    kept = pa.Table.from_arrays([rows, pa.array(["made"] * len(pairs), pa.string()), numbers, *sides], schema=KEPT)
    with pa.ipc.new_file(folder / KEPT_FILE, KEPT) as file:
        file.write_table(kept)
    pair = left * np.uint64(0x9E3779B97F4A7C15) ^ right
    columns = {"row": rows, "pair": pair, "left": left, "right": right, "template": folded[0].templates()}
    if bands:
        for names, side in zip((LEFT_BANDS, RIGHT_BANDS), folded, strict=True):
            columns |= dict(zip(names, min_hash_bands(side.bigrams()), strict=True))
    pq.write_table(pa.table(columns, schema=HASHES if bands else KEYS), folder / HASHES_FILE)
    return folder


def min_hash_bands(sets: Any) -> list[NDArray[np.uint32]]:
    """MinHash bands of bigram sets; sets without members get 0."""
    chance = np.random.default_rng(5)
    full = np.flatnonzero(np.diff(sets.offsets))
    bands = []
    for _ in LEFT_BANDS:
        band = np.zeros(len(sets.offsets) - 1, np.uint64)
        for factor in chance.integers(1, 2**63, ROWS_PER_BAND, dtype=np.uint64) * np.uint64(2) + np.uint64(1):
            hashes = (sets.hashes * factor) >> np.uint64(32)
            if len(full):
                least = np.minimum.reduceat(hashes, sets.offsets[:-1][full])
                band[full] = (band[full] * np.uint64(31) + least) * np.uint64(0xBF58476D1CE4E5B9)
        bands.append((band >> np.uint64(32)).astype(np.uint32))
    return bands


def bigrams(text: str) -> frozenset[tuple[str, ...]]:
    """Word bigrams of a sentence, written out naively."""
    words = re.sub("[^a-z0-9ịọụ ]", "", unicodedata.normalize("NFC", text).lower()).split()
    return frozenset(tuple(words[place : place + 2]) for place in range(max(1, len(words) - 1)) if words)


def near(first: frozenset[Any], second: frozenset[Any]) -> bool:
    """Jaccard at least 0.8."""
    return bool(first) and 5 * len(first & second) >= 4 * len(first | second)


def crossings(outcome: Outcome) -> list[tuple[str, str]]:
    """Sentences of different splits that are equal or near, found by comparing every two."""
    splits = outcome.splits
    found = []
    for side in (0, 1):
        sets = {split: [(bigrams(outcome.pairs[row][side]), row) for row in rows] for split, rows in splits.items()}
        for one, other in ((0, 1), (0, 2), (1, 2)):
            for first, row in sets[one]:
                for second, held in sets[other]:
                    texts = outcome.pairs[row][side], outcome.pairs[held][side]
                    if near(first, second) or key(texts[0]) == key(texts[1]):
                        found.append(texts)
    return found


def key(text: str) -> str:
    """Letters and digits of a sentence."""
    return re.sub("[^a-z0-9ịọụ]", "", text.lower())


class Writer:
    """Makes up sentences, and alters them."""

    def __init__(self, seed: int, lexicon: Sequence[str] = LEXICON) -> None:
        self.chance = random.Random(seed)
        self.lexicon = lexicon

    def sentence(self, least: int = 4, most: int = 14) -> str:
        return " ".join(self.chance.choices(self.lexicon, k=self.chance.randint(least, most)))

    def altered(self, text: str) -> str:
        """A copy, the same in other case and punctuation, or with one word more, fewer or other at an end."""
        words = text.split()
        change = self.chance.choice(("copy", "case", "append", "cut", "replace"))
        if change == "append":
            words.append(self.chance.choice(self.lexicon))
        elif change == "cut":
            words.pop(self.chance.choice((0, -1)))
        elif change == "replace":
            words[-1] = self.chance.choice(self.lexicon)
        return ", ".join(words).upper() + "!" if change == "case" else " ".join(words)

    def corpus(self, fresh: int, planted: int) -> list[tuple[str, str]]:
        """Fresh pairs, and pairs that repeat or alter one side or both of an earlier pair; chains come about."""
        pairs = [(self.sentence(), self.sentence()) for _ in range(fresh)]
        for _ in range(planted):
            left, right = self.chance.choice(pairs)
            pairs.append(
                self.chance.choice(
                    (
                        (self.altered(left), self.sentence()),
                        (self.sentence(), self.altered(right)),
                        (self.altered(left), self.altered(right)),
                    )
                )
            )
        self.chance.shuffle(pairs)
        return pairs
