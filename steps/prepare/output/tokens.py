"""How many tokens the training split costs, from a sample and the tokenizer that training will use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import xxhash
from numpy.typing import NDArray

from steps.contract import TokenEstimate
from steps.prompt import Prompter, load_tokenizer

SAMPLE = 2000  # pairs: the mean is then within about 2 % of the truth


def estimate_tokens(train: Path, codes: tuple[str, str], tokenizer: Path) -> TokenEstimate:
    """Tokens per pair (both directions, prompts included), tokens per word and language, and the whole of `train`.

    The sample is the 2,000 pairs with the smallest xxh3_64 of their ids. Raises Refused without a usable tokenizer.
    """
    prompter = Prompter.of(load_tokenizer(tokenizer), codes)
    tokens, words, sampled = dict.fromkeys(codes, 0), dict.fromkeys(codes, 0), 0
    for texts in _sample(train, codes):
        sampled += 1
        for code, text in zip(codes, texts, strict=True):
            tokens[code] += len(prompter.sentence(text))
            words[code] += len(text.split())
    prompts = prompter.overhead(0) + prompter.overhead(1)
    per_pair = 2 * sum(tokens.values()) / max(sampled, 1) + prompts
    return TokenEstimate(
        sampled=sampled,
        tokens_per_pair=round(per_pair, 2),
        tokens_per_word={code: round(tokens[code] / max(words[code], 1), 3) for code in codes},
        tokens=round(per_pair * pq.read_metadata(train).num_rows),
    )


def _sample(train: Path, codes: tuple[str, str]) -> Iterator[tuple[str, ...]]:
    """Both sentences of the drawn pairs, in the order of the file, one row group in memory at a time."""
    with pq.ParquetFile(train) as file:
        groups = range(file.num_row_groups)
        hashes = [_hashes(file.read_row_group(group, columns=["id"]).column("id").to_pylist()) for group in groups]
        every = np.concatenate([*hashes, np.zeros(0, np.uint64)])
        limit = np.partition(every, SAMPLE - 1)[SAMPLE - 1] if len(every) > SAMPLE else None
        for group, values in zip(groups, hashes, strict=True):
            chosen = np.flatnonzero(values <= limit) if limit is not None else np.arange(len(values))
            if len(chosen):
                rows = file.read_row_group(group, columns=list(codes)).take(chosen)
                yield from zip(*(rows.column(code).to_pylist() for code in codes), strict=True)


def _hashes(ids: list[str]) -> NDArray[np.uint64]:
    return np.fromiter((xxhash.xxh3_64_intdigest(text.encode()) for text in ids), np.uint64, len(ids))
