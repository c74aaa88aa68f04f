"""The order of a run's micro-batches: fixed by the seed, whatever was interrupted and however many processes share it."""

from __future__ import annotations

from collections.abc import Iterator

import torch

AT_ONCE = 65_536  # numbers turned into Python's at once: 20 million of them would take 640 MB
EPOCHS_KEPT = 2  # a step may end one epoch and begin the next


class RunOrder(torch.utils.data.Sampler[int]):
    """Numbers of `total` micro-batches, epoch after epoch without a break between.

    Each epoch is a permutation of all `count` that depends on the seed and the epoch alone. Because epochs run into
    each other, every optimiser step reads the same number of micro-batches, and a step's micro-batches follow from its
    number: a resumed run sees those that an unbroken one would have seen, and so do several processes together.
    """

    def __init__(self, count: int, total: int, seed: int) -> None:
        self._count, self._total, self._seed = count, total, seed
        self._epochs: dict[int, torch.Tensor] = {}

    def __len__(self) -> int:
        return self._total

    def __iter__(self) -> Iterator[int]:
        for start in range(0, self._total, self._count):
            epoch = self._epoch(start // self._count)[: self._total - start]
            for first in range(0, len(epoch), AT_ONCE):
                yield from epoch[first : first + AT_ONCE].tolist()

    def slice(self, start: int, end: int) -> list[int]:
        """Micro-batches number `start` to `end` (not included) of the run."""
        numbers: list[int] = []
        while start < end:
            epoch, offset = divmod(start, self._count)
            numbers += self._epoch(epoch)[offset : offset + end - start].tolist()
            start = min(end, (epoch + 1) * self._count)
        return numbers

    def _epoch(self, epoch: int) -> torch.Tensor:
        """The permutation of one epoch; the last few are kept, since steps are asked for one after another."""
        if epoch not in self._epochs:
            while len(self._epochs) >= EPOCHS_KEPT:
                del self._epochs[next(iter(self._epochs))]
            generator = torch.Generator().manual_seed(self._seed * 1_000_003 + epoch)
            self._epochs[epoch] = torch.randperm(self._count, generator=generator).int()
        return self._epochs[epoch]
