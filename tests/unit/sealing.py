"""Checkpoints as training leaves them, without training: small files and the seal over them."""

from __future__ import annotations

import hashlib

from steps.contract import FileEntry, RunIdentity, Seal, TokenFingerprint

FILES = {"adapter_model.safetensors": b"weights", "optimizer.pt": b"moments", "trainer_state.json": b"{}"}
TOKENS = TokenFingerprint(
    tokenizer_sha256="0" * 64,
    template="1",
    languages=["en", "ig"],
    names=["English", "Igbo"],
    max_length=256,
    pack_length=1024,
    batching="packed",
    prepared_sha256="0" * 64,
)
IDENTITY = RunIdentity(
    base_model="mistral",
    lora_rank=16,
    lora_targets="attention",
    rslora=False,
    lora_dropout=0.0,
    learning_rate=2e-4,
    micro_batches_per_step=4,
    seed=17,
    tokens=TOKENS,
)


def seal_of(step: int, loss: float = 1.25) -> Seal:
    """The seal of FILES."""
    files = [
        FileEntry(path=name, bytes=len(data), sha256=hashlib.sha256(data).hexdigest()) for name, data in FILES.items()
    ]
    return Seal(
        step=step,
        loss=loss,
        probe_loss=loss,
        seconds_used=60,
        job="job",
        job_seconds=60,
        identity=IDENTITY,
        files=files,
        own_sha256="",
    ).stamped()
