"""The order of a run's micro-batches: fixed by the seed, whatever was interrupted and however many processes share it."""

from __future__ import annotations

from collections.abc import Iterator

import torch


class RunOrder(torch.utils.data.Sampler[int]):
    """Numbers of `total` micro-batches, epoch after epoch without a break between.

    Each epoch is a permutation of all `count` that depends on the seed and the epoch alone. Because epochs run into
    each other, every optimiser step reads the same number of micro-batches, and a step's micro-batches follow from its
    number: a resumed run sees those that an unbroken one would have seen, and so do several processes together.
    """

    def __init__(self, count: int, total: int, seed: int) -> None:
        self._count, self._total, self._seed = count, total, seed

    def __len__(self) -> int:
        return self._total

    def __iter__(self) -> Iterator[int]:
        for start in range(0, self._total, self._count):
            yield from self._epoch(start // self._count)[: self._total - start]

    def slice(self, start: int, end: int) -> list[int]:
        """Micro-batches number `start` to `end` (not included) of the run."""
        epochs = range(start // self._count, -(-end // self._count))
        numbers = [number for epoch in epochs for number in self._epoch(epoch)]
        offset = epochs.start * self._count if epochs else 0
        return numbers[start - offset : end - offset]

    def _epoch(self, epoch: int) -> list[int]:
        generator = torch.Generator().manual_seed(self._seed * 1_000_003 + epoch)
        order: list[int] = torch.randperm(self._count, generator=generator).tolist()
        return order
