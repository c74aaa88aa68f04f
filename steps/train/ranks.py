"""Several processes training as one: which of them speaks, and how they decide together. Alone, nothing here costs anything."""

from __future__ import annotations

import os

import torch
import torch.distributed as dist


def join() -> None:
    """Meet the other processes that torchrun started with this one: over NCCL with a GPU each, over gloo on CPUs."""
    if int(os.environ.get("WORLD_SIZE", "1")) > 1 and not dist.is_initialized():
        on_gpu = torch.cuda.is_available()
        if on_gpu:
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        dist.init_process_group("nccl" if on_gpu else "gloo")


def leave() -> None:
    """Part from the other processes: the last thing a job does."""
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()


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
