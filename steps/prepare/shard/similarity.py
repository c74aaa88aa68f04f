"""Bitext similarity: how well two sentences translate each other, by a scorer from a local folder. Off by default.

The one scorer there is takes the cosine of the vectors of a sentence encoder, such as LaBSE or multilingual-e5, from a
folder of transformers: config.json, model.safetensors and a tokenizer. `encoder_folder` says what is read from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from steps.prepare.options import Scorer
from steps.prepare.shard.encoder import Encoder


class SentenceScorer(Protocol):
    """Anything that says how well two sentences translate each other. It must not depend on how rows are batched."""

    def similarities(self, left: Sequence[str], right: Sequence[str]) -> NDArray[np.float32]:
        """One number a pair, -1 to 1; the sequences are equally long."""
        ...


def similarities(left: Sequence[str], right: Sequence[str], scorer: Scorer) -> NDArray[np.float32]:
    """One number a pair, shape (pairs,). Raises Refused for a folder that cannot be used."""
    return open_scorer(scorer).similarities(left, right)


@lru_cache(maxsize=1)
def open_scorer(scorer: Scorer) -> SentenceScorer:
    """The scorer of these options, loaded once in a process. Another kind of scorer joins here."""
    return Encoder(Path(scorer.folder), scorer.batch)
