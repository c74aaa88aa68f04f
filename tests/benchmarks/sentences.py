"""Makes the sentences of a slice of the synthetic corpus: a list of pieces for each, gathered in one pass."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tests.benchmarks.design import I64, NEAR_BOTH_SIDES, U64, Rows, below, draw, nth
from tests.benchmarks.vocabulary import CHANGED, CODES, CURLY, EXCLAIMED, FIRST, FOREIGN, LAST, MIDDLE, Vocabulary

LANGUAGES = (*CODES, *FOREIGN)
Mask = npt.NDArray[np.bool_]


def _languages(rows: Rows, choice: U64) -> tuple[I64, I64]:
    """Places in LANGUAGES of both sides."""
    left, right = (np.full(len(rows.numbers), side, dtype=np.int64) for side in (0, 1))
    wrong = rows.are("wrong-language")
    foreign = len(CODES) + (choice % np.uint64(len(FOREIGN))).astype(np.int64)
    tenth = below(choice, 10)  # 0-1 the source, 2 both, 3-7 the target, 8-9 a target of other English
    left[wrong & (tenth <= 2)] = foreign[wrong & (tenth <= 2)]
    right[wrong & (tenth >= 2) & (tenth <= 7)] = foreign[wrong & (tenth >= 2) & (tenth <= 7)]
    right[(wrong & (tenth >= 8)) | rows.are("copied")] = 0
    return left, right


def _changed(rows: Rows, side: int, choice: U64) -> Mask:
    """Near-copies with a changed word on this side."""
    both = (rows.chunks[0] + rows.chunks[1] >= NEAR_BOTH_SIDES) & (choice % np.uint64(2) == 0)
    here = (choice // np.uint64(2) % np.uint64(2)).astype(np.int64) == side
    changed: Mask = rows.are("near-copy") & (both | here)
    return changed


def _variants(seed: int, rows: Rows, side: int, choice: U64, owner: I64, ends: I64) -> I64:
    """Variant of every piece."""
    counts = rows.chunks[side]
    starts = ends - counts
    variant = np.full(len(owner), MIDDLE, dtype=np.int64)
    variant[starts] = FIRST
    variant[ends - 1] = LAST
    duplicate, kind = rows.are("duplicate"), below(choice, 4)  # 0: the same bytes
    variant[starts[duplicate & (kind == 1)]] = MIDDLE
    variant[(ends - 1)[duplicate & (kind == 2)]] = EXCLAIMED
    variant[(duplicate & (kind == 3))[owner] & (variant == MIDDLE)] = CURLY
    inner = 1 + below(nth(draw(seed, "change", rows.numbers), side), np.maximum(counts - 2, 1))
    variant[(starts + inner)[_changed(rows, side, choice)]] = CHANGED
    return variant


def sentences(seed: int, rows: Rows, side: int, words: Vocabulary, choice: U64) -> pa.LargeBinaryArray:
    """Lines of one side with their b"\\n", before single rows are damaged. `choice` has a random number for each row."""
    counts = rows.chunks[side]
    ends = np.cumsum(counts)
    owner = np.repeat(np.arange(len(counts)), counts)
    position = np.arange(int(ends[-1])) - (ends - counts)[owner]

    identities = rows.of - (rows.are("shifted") if side == 1 else 0)
    source = draw(seed, "left", identities)
    first = source if side == 0 else np.where(rows.are("copied"), source, draw(seed, "right", identities))
    languages = _languages(rows, choice)[side]
    base = np.array([words.base[code] for code in LANGUAGES])[languages][owner]
    size = np.array([words.size[code] for code in LANGUAGES])[languages][owner]
    piece = base + _variants(seed, rows, side, choice, owner, ends) * size + below(nth(first[owner], position), size)

    pieces = words.pieces.take(pa.array(piece))
    offsets = np.frombuffer(pieces.buffers()[1], dtype=np.int64)[: len(pieces) + 1]
    lines = pa.py_buffer(np.ascontiguousarray(offsets[np.concatenate(([0], ends))]))
    return pa.LargeBinaryArray.from_buffers(pa.large_binary(), len(counts), [None, lines, pieces.buffers()[2]])
