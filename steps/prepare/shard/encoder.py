"""A sentence encoder of transformers: sentences in, unit vectors out, the same for any company a sentence is in.

Batches have one shape for each length, in multiples of LENGTH_STEP tokens, and the last one is filled up: a matrix product
may round otherwise for another shape. So scores are the same for any cut of a corpus, on one kind of machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from steps.job import Refused
from steps.prepare.shard.encoder_folder import check_folder, dense_of, pooling_of, prompt_of

if TYPE_CHECKING:
    import torch

MOST_TOKENS = 512  # a sentence is cut there, or where the model ends
LENGTH_STEP = 16  # tokens
PAIRS_AT_ONCE = 8192  # bounds the memory for vectors: 50 MB at 768 dimensions

Vectors = NDArray[np.float32]


class Encoder:
    """A sentence encoder of transformers on this process's processor, or its GPU where there is one."""

    def __init__(self, folder: Path, batch: int) -> None:
        import torch
        from transformers import AutoModel, AutoTokenizer

        check_folder(folder)
        torch.set_num_threads(1)  # a product shared among threads may round otherwise; workers are the parallelism
        try:
            self._tokenizer: Any = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            model: Any = AutoModel.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False, use_safetensors=True, dtype=torch.float32
            )
        except (OSError, ValueError) as error:
            raise Refused(f"the encoder in {folder} cannot be loaded: {error}") from error
        self._device = "cuda" if torch.cuda.is_available() else "cpu"
        self._model = model.eval().to(self._device)
        self._batch = batch
        self._pooling = pooling_of(folder)
        self._dense = dense_of(folder)
        self._prompt = prompt_of(folder)
        known = int(getattr(model.config, "max_position_embeddings", MOST_TOKENS))
        self._longest = min(MOST_TOKENS, known, int(self._tokenizer.model_max_length))
        if self._tokenizer.pad_token_id is None:
            raise Refused(f"the tokenizer in {folder} has no padding token, which batches need")

    def similarities(self, left: Sequence[str], right: Sequence[str]) -> Vectors:
        """Cosine of each pair, shape (pairs,)."""
        scores = np.empty(len(left), np.float32)
        for start in range(0, len(left), PAIRS_AT_ONCE):
            part = slice(start, start + PAIRS_AT_ONCE)
            vectors = self.vectors([*left[part], *right[part]])
            count = len(left[part])
            scores[part] = np.einsum("ij,ij->i", vectors[:count], vectors[count:])
        return np.clip(scores, -1, 1)

    def vectors(self, sentences: Sequence[str]) -> Vectors:
        """Unit vectors, shape (sentences, dimensions). A sentence that occurs twice is encoded once."""
        import torch

        places: dict[str, int] = {}
        for sentence in sentences:
            places.setdefault(sentence, len(places))
        ids = self._tokenizer(
            [self._prompt + sentence for sentence in places], truncation=True, max_length=self._longest
        )["input_ids"]
        found: Vectors | None = None
        with torch.inference_mode():
            for length, members in _by_length([len(row) for row in ids], self._longest).items():
                for start in range(0, len(members), self._batch):
                    batch = members[start : start + self._batch]
                    encoded = self._encode([ids[member] for member in batch], length)[: len(batch)]
                    if found is None:
                        found = np.empty((len(places), encoded.shape[1]), np.float32)
                    found[batch] = encoded
        if found is None:
            return np.empty((0, 1), np.float32)
        return found[[places[sentence] for sentence in sentences]]

    def _encode(self, rows: list[list[int]], length: int) -> Vectors:
        """Vectors of a batch padded to `length` tokens and filled up with its first row to the full number of rows."""
        import torch

        rows = rows + [rows[0]] * (self._batch - len(rows))
        tokens = torch.full((len(rows), length), self._tokenizer.pad_token_id)
        mask = torch.zeros((len(rows), length), dtype=torch.long)
        for place, row in enumerate(rows):
            tokens[place, : len(row)] = torch.tensor(row)
            mask[place, : len(row)] = 1
        tokens, mask = tokens.to(self._device), mask.to(self._device)
        output = self._model(input_ids=tokens, attention_mask=mask)
        pooled = _pool(output, mask, self._pooling)
        if self._dense:
            pooled = self._dense(pooled)
        unit: Vectors = torch.nn.functional.normalize(pooled.float(), dim=1).cpu().numpy()
        return unit


def _by_length(lengths: Sequence[int], longest: int) -> dict[int, list[int]]:
    """Places of the rows by their length, rounded up to LENGTH_STEP; short ones first."""
    groups: dict[int, list[int]] = {}
    for place, length in enumerate(lengths):
        rounded = min(max(-(-length // LENGTH_STEP), 1) * LENGTH_STEP, longest)
        groups.setdefault(rounded, []).append(place)
    return dict(sorted(groups.items()))


def _pool(output: Any, mask: torch.Tensor, pooling: str) -> torch.Tensor:
    """Token vectors (rows, tokens, dimensions) to sentence vectors (rows, dimensions)."""
    hidden: torch.Tensor = output.last_hidden_state
    if pooling == "pooler":
        pooler: torch.Tensor = output.pooler_output
        return pooler
    if pooling == "cls":
        return hidden[:, 0]
    weights = mask.unsqueeze(-1).to(hidden.dtype)
    return (hidden * weights).sum(1) / weights.sum(1)
