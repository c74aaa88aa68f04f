"""Peak memory of this process."""

from __future__ import annotations

import resource

import torch


def peak_memory_gib() -> tuple[float, float]:
    """Peak memory allocated and reserved on the GPU; on a CPU twice this process's peak resident memory."""
    if torch.cuda.is_available():
        return torch.cuda.max_memory_allocated() / 2**30, torch.cuda.max_memory_reserved() / 2**30
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return resident, resident
