"""Loading the base model, and the loss on packed examples. Shared by training and evaluation."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from transformers import AutoModelForCausalLM

from steps.contract import MANIFEST, MODEL_FOLDER, BaseModelManifest, load
from steps.job import Refused
from steps.shards import IGNORED, TokenSplit
from steps.sums import damaged_files


def device() -> torch.device:
    """This process's GPU where there is one, else the CPU. Torchrun gives each process of a host its number."""
    if not torch.cuda.is_available():
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))


def load_base(folder: Path, *, attention: str = "sdpa") -> tuple[Any, BaseModelManifest]:
    """The base model of a staged folder, checked against its manifest: bf16 on a GPU, fp32 on a CPU.

    `attention` is transformers' name of an implementation. Only safetensors are read and no code of the folder is run.
    Raises Refused for a damaged or unsuitable folder.
    """
    manifest = load(folder / MANIFEST, BaseModelManifest)
    damaged = damaged_files(folder, manifest.files)
    if damaged:
        raise Refused(f"the base model is damaged: {'; '.join(damaged[:3])}. Stage it again.")
    where = device()
    try:
        model = AutoModelForCausalLM.from_pretrained(
            folder / MODEL_FOLDER,
            dtype=torch.bfloat16 if where.type == "cuda" else torch.float32,
            use_safetensors=True,
            trust_remote_code=False,
            local_files_only=True,
            attn_implementation=attention,
            device_map={"": where},  # straight to the GPU: a 7B model would fill the 16 GiB of a g5.xlarge's host
        )
    except (OSError, ValueError) as error:
        raise Refused(f"cannot load the base model {manifest.name}: {error}") from error
    return model, manifest


def collate(items: list[dict[str, np.ndarray[Any, np.dtype[np.int64]]]]) -> dict[str, torch.Tensor]:
    """Micro-batches of one width as one batch of shape (rows, width). No attention mask, on purpose."""
    return {key: torch.from_numpy(np.concatenate([item[key] for item in items])) for key in items[0]}


def labelled_only(batch: dict[str, Any]) -> dict[str, Any]:
    """The same batch, asking for logits only at positions where some row has a token to predict.

    Loss and gradients are the same; the logits of the other positions, up to two thirds, are never computed.
    """
    labels = batch["labels"]
    shifted = torch.nn.functional.pad(labels, (0, 1), value=IGNORED)[:, 1:]
    keep = (shifted != IGNORED).any(dim=0).nonzero().squeeze(1)
    return {**batch, "shift_labels": shifted[:, keep].contiguous(), "logits_to_keep": keep}


@dataclass(frozen=True)
class PartialLoss:
    """Mean negative log-likelihood in nats per answer token, and the share of the micro-batches it is over."""

    loss: float
    share: float


@torch.no_grad()
def answer_losses(
    model: Any, item: dict[str, np.ndarray[Any, np.dtype[np.int64]]]
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Negative log-likelihood of the next token, at the positions of a micro-batch where some row has one to predict.

    Losses of shape (rows, positions), 0 where a row has none there; the tokens, IGNORED there; and the positions.
    """
    batch = labelled_only(collate([item]))
    targets = batch.pop("shift_labels").to(model.device)
    del batch["labels"]
    inputs = {key: value.to(model.device) for key, value in batch.items()}
    logits = model(**inputs, use_cache=False).logits
    losses = torch.nn.functional.cross_entropy(
        logits.flatten(0, 1).float(), targets.flatten(), ignore_index=IGNORED, reduction="none"
    )
    return losses.view_as(targets), targets, batch["logits_to_keep"]


def summed_loss(model: Any, item: dict[str, np.ndarray[Any, np.dtype[np.int64]]]) -> tuple[float, int]:
    """Negative log-likelihood of one micro-batch, summed over its answer tokens, and their number."""
    losses, targets, _ = answer_losses(model, item)
    return float(losses.sum()), int((targets != IGNORED).sum())


def loss_in_time(
    model: Any,
    split: TokenSplit,
    *,
    limit: int | None = None,
    interrupted: Callable[[], bool] = lambda: False,
    on_batch: Callable[[int, int], None] = lambda done, total: None,
) -> PartialLoss | None:
    """The mean loss over the first `limit` micro-batches, or over those done when `interrupted`; None before the first.

    Sums over tokens before dividing, so the result does not depend on how examples fell into batches, nor on how many
    processes share them: each takes every so-manieth, and all get the same number.
    """
    was_training = model.training
    model.eval()
    total, tokens, done = 0.0, 0, 0
    count = min(len(split), limit) if limit else len(split)
    rank, ranks = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
    try:
        for number in range(rank, count, ranks):
            if interrupted():
                break
            loss, labelled = summed_loss(model, split[number])
            total, tokens, done = total + loss, tokens + labelled, done + 1
            on_batch(number + 1, count)
    finally:
        model.train(was_training)
    if ranks > 1:
        sums = torch.tensor([total, tokens, done], dtype=torch.float64, device=model.device)
        dist.all_reduce(sums)
        total, tokens, done = float(sums[0]), int(sums[1]), int(sums[2])
    if done == count and not tokens:
        raise Refused("the validation split holds no answer tokens")
    return PartialLoss(total / tokens, done / count) if tokens else None


def mean_loss(
    model: Any,
    split: TokenSplit,
    *,
    limit: int | None = None,
    interrupted: Callable[[], bool] = lambda: False,
    on_batch: Callable[[int, int], None] = lambda done, total: None,
) -> float | None:
    """`loss_in_time` over all of the micro-batches asked for; None when interrupted."""
    found = loss_in_time(model, split, limit=limit, interrupted=interrupted, on_batch=on_batch)
    return found.loss if found and found.share == 1 else None
