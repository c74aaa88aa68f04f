"""Loading the base model, and the loss on packed examples. Shared by training and evaluation."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForCausalLM

from steps.contract import MANIFEST, MODEL_FOLDER, BaseModelManifest, load
from steps.job import Refused
from steps.shards import IGNORED, TokenSplit
from steps.sums import damaged_files


def device() -> torch.device:
    """The GPU where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def load_base(folder: Path) -> tuple[Any, BaseModelManifest]:
    """The base model of a staged folder, checked against its manifest: bf16 on a GPU, fp32 on a CPU.

    Only safetensors are read and no code of the folder is run. Raises Refused for a damaged or unsuitable folder.
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
            attn_implementation="sdpa",
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


@torch.no_grad()
def mean_loss(
    model: Any,
    split: TokenSplit,
    *,
    limit: int | None = None,
    interrupted: Callable[[], bool] = lambda: False,
    on_batch: Callable[[int, int], None] = lambda done, total: None,
) -> float | None:
    """Mean negative log-likelihood in nats per answer token over the first `limit` micro-batches; None when interrupted.

    Sums over tokens before dividing, so the result does not depend on how examples fell into batches.
    """
    was_training = model.training
    model.eval()
    total, tokens = 0.0, 0
    count = min(len(split), limit) if limit else len(split)
    try:
        for number in range(count):
            if interrupted():
                return None
            batch = labelled_only(collate([split[number]]))
            targets = batch.pop("shift_labels").to(model.device)
            del batch["labels"]
            inputs = {key: value.to(model.device) for key, value in batch.items()}
            logits = model(**inputs, use_cache=False).logits
            losses = torch.nn.functional.cross_entropy(
                logits.flatten(0, 1).float(), targets.flatten(), ignore_index=IGNORED, reduction="sum"
            )
            total += float(losses)
            tokens += int((targets != IGNORED).sum())
            on_batch(number + 1, count)
    finally:
        model.train(was_training)
    if not tokens:
        raise Refused("the validation split holds no answer tokens")
    return total / tokens
