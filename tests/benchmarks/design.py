"""Which row of the synthetic corpus is what: every answer is a hash of the seed and the row's number.

So any slice of a corpus can be made alone, the same corpus comes out for any slice size, and a row may repeat any
earlier row without anything being remembered.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

U64 = npt.NDArray[np.uint64]
I64 = npt.NDArray[np.int64]

# Shares in ten thousandths, from the facts this project keeps on such corpora. "misaligned" and "shifted" share 3 %,
# "blank" and "empty" 2 %; blocks of shifted rows are drawn apart, see SHIFT_BLOCK.
SHARES = {
    "good": 6200,
    "duplicate": 1100,
    "near-copy": 1000,
    "wrong-language": 350,
    "misaligned": 150,
    "copied": 300,
    "blank": 150,
    "empty": 50,
    "template": 200,
    "nfd": 200,
    "mojibake": 50,
    "control": 48,
    "undecodable": 12,
    "over-long": 40,
}
SHIFTED_SHARE = 150
LABELS = (*SHARES, "shifted")
CODE = {label: code for code, label in enumerate(LABELS)}
SHIFT_BLOCK = 32  # rows; the first loses its target, and until the block's end each target is the row before's

# Chunks of three words in the source side; with a mean of 7.1 pairs have about 128 and 148 bytes
MEAN_CHUNKS, SHAPE = 7.1, 5.0
MIN_CHUNKS, MAX_CHUNKS, OVER_LONG_CHUNKS = 2, 24, 100
NEAR_ONE_SIDE, NEAR_BOTH_SIDES = 8, 14  # least chunks of both sides where 1, and 2, changed words leave Jaccard >= 0.8
DRAWS = 12  # for the row to repeat; 6 in 10 rows are fit

STREAMS = ("label", "block", "left", "right", "chunks", "more", "of", "choice", "kind", "change")


GOLDEN = 0x9E3779B97F4A7C15  # 2**64 over the golden ratio, SplitMix64's increment


def mix(values: U64) -> U64:
    """SplitMix64's finaliser (Steele, Lea, Flood 2014): a bijection whose every output bit depends on every input bit."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def draw(seed: int, stream: str, numbers: I64) -> U64:
    """A random number for each of `numbers`, the same for equal arguments on every machine."""
    salt = (seed * len(STREAMS) + STREAMS.index(stream) + 1) * GOLDEN % 2**64
    return mix(mix(numbers.astype(np.uint64) + np.uint64(salt)))


def nth(numbers: U64, position: I64 | int) -> U64:
    """The random number at a position of the sequence that starts with each of `numbers`."""
    return mix(numbers + np.atleast_1d(position).astype(np.uint64) * np.uint64(GOLDEN))


def below(numbers: U64, bound: int | I64) -> I64:
    """Random numbers as integers from 0 to less than `bound`, from their upper half."""
    return ((numbers >> np.uint64(32)) * np.asarray(bound).astype(np.uint64) >> np.uint64(32)).astype(np.int64)


def labels(seed: int, rows: I64) -> npt.NDArray[np.uint8]:
    """Codes of the labels of rows, before rows that find nothing to repeat become good."""
    edges = np.cumsum(list(SHARES.values()))
    codes = np.searchsorted(edges, below(draw(seed, "label", rows), int(edges[-1])), side="right").astype(np.uint8)
    in_block = below(draw(seed, "block", rows // SHIFT_BLOCK), 10_000) < SHIFTED_SHARE
    codes[in_block] = CODE["shifted"]
    codes[in_block & (rows % SHIFT_BLOCK == 0)] = CODE["blank"]
    return codes


def _quantiles() -> npt.NDArray[np.int64]:
    """Chunks per sentence: 4,096 equally likely values of a gamma distribution, most sentences near the mean."""
    rng = np.random.Generator(np.random.PCG64(7))
    values = np.sort(rng.gamma(SHAPE, MEAN_CHUNKS / SHAPE, size=4096))
    return np.clip(np.rint(values), MIN_CHUNKS, MAX_CHUNKS).astype(np.int64)


QUANTILES = _quantiles()


def chunk_counts(seed: int, identities: I64) -> tuple[I64, I64]:
    """Chunks of the source and of the target side. The target has as many, or one more."""
    left = QUANTILES[below(draw(seed, "chunks", identities), len(QUANTILES))]
    return left, left + below(draw(seed, "more", identities), 10) // 6


@dataclass(frozen=True)
class Rows:
    """What a slice of the corpus is: one entry a row."""

    numbers: I64
    codes: npt.NDArray[np.uint8]  # places in LABELS
    of: I64  # the row that this one repeats, else itself
    chunks: tuple[I64, I64]

    def are(self, *names: str) -> npt.NDArray[np.bool_]:
        """Mask of rows with one of these labels."""
        return np.isin(self.codes, [CODE[name] for name in names])


def design(seed: int, start: int, stop: int) -> Rows:
    """Rows start to stop."""
    numbers = np.arange(start, stop, dtype=np.int64)
    codes = labels(seed, numbers)
    of = numbers.copy()
    left, right = chunk_counts(seed, numbers)
    for name in ("duplicate", "near-copy"):
        waiting = np.flatnonzero(codes == CODE[name])
        for attempt in range(DRAWS):
            found = below(nth(draw(seed, "of", numbers[waiting]), attempt), np.maximum(numbers[waiting], 1))
            fit = (labels(seed, found) == CODE["good"]) & (numbers[waiting] > 0)
            if name == "near-copy":
                sides = chunk_counts(seed, found)
                fit &= (sides[0] + sides[1] >= NEAR_ONE_SIDE) & (sides[0] > MIN_CHUNKS)
            of[waiting[fit]] = found[fit]
            waiting = waiting[~fit]
        codes[waiting] = CODE["good"]
    repeats = of != numbers
    left[repeats], right[repeats] = chunk_counts(seed, of[repeats])
    shifted = codes == CODE["shifted"]
    right[shifted] = chunk_counts(seed, numbers[shifted] - 1)[1]
    long = codes == CODE["over-long"]
    left[long] = right[long] = OVER_LONG_CHUNKS
    off = codes == CODE["misaligned"]  # a fragment, or several sentences run together: five times as long or short
    right[off] = np.where(left[off] >= 5, left[off] // 5, left[off] * 5)
    copied = codes == CODE["copied"]
    right[copied] = left[copied]
    return Rows(numbers, codes, of, (left, right))
