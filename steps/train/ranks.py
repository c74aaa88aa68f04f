"""Several processes training as one: which of them speaks, and how they decide together. Alone, nothing here costs anything."""

from __future__ import annotations

import torch
import torch.distributed as dist


def count() -> int:
    """Processes that train together."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """This process's number; 0 saves and reports."""
    return dist.get_rank() if count() > 1 else 0


def agree(device: torch.device, *wishes: bool) -> list[bool]:
    """For each wish, whether any process has it: a step is stopped or saved by all or by none."""
    if count() == 1:
        return list(wishes)
    flags = torch.tensor([int(wish) for wish in wishes], device=device)
    dist.all_reduce(flags, op=dist.ReduceOp.MAX)
    return [bool(flag) for flag in flags.tolist()]


def wait_for_all() -> None:
    """Go on only when every process has come here."""
    if count() > 1:
        dist.barrier()
