"""GPU memory of LoRA training, by formula."""

from __future__ import annotations

from steps.contract import MemoryEstimate, ModelShape
from steps.instances import Instance
from steps.levers import Levers

USABLE = 0.96  # of what torch reports: allocators fragment
OVERHEAD_GIB = 0.8  # CUDA context, cuBLAS workspaces
CORRECTION = 1.07  # on activations and logits: published figures lie 2 to 3 % above the bare sum


def matmul_parameters(shape: ModelShape) -> int:
    """Weights that every token is multiplied with: all but the input embedding and the norms."""
    return sum(rows * columns for rows, columns in _linear_layers(shape).values()) * shape.layers + (
        shape.hidden * shape.vocabulary
    )


def parameters(shape: ModelShape) -> int:
    """All weights of the model."""
    embedding = 0 if shape.tied else shape.hidden * shape.vocabulary
    return matmul_parameters(shape) + embedding + shape.hidden * (2 * shape.layers + 1)


def trainable_parameters(shape: ModelShape, rank: int, targets: str) -> int:
    """Weights of the LoRA adapters: rank x (in + out) for each adapted layer."""
    names = ("q", "v") if targets == "attention" else tuple(_linear_layers(shape))
    return shape.layers * rank * sum(sum(_linear_layers(shape)[name]) for name in names)


def memory_estimate(
    shape: ModelShape,
    instance: Instance,
    levers: Levers,
    *,
    rank: int,
    targets: str,
    slots: int,
    labelled_share: float = 0.6,
) -> MemoryEstimate:
    """GiB a GPU needs to train with micro-batches of `slots` token slots. With `auto`, recomputes only where it must."""
    if levers.gradient_checkpointing == "auto":
        off = _estimate(shape, instance, levers, rank, targets, slots, labelled_share, recompute=False)
        if off.fits:
            return off
    recompute = levers.gradient_checkpointing != "off"
    return _estimate(shape, instance, levers, rank, targets, slots, labelled_share, recompute=recompute)


def _linear_layers(shape: ModelShape) -> dict[str, tuple[int, int]]:
    """Inputs and outputs of each linear layer of one decoder layer."""
    query, value = shape.heads * shape.head, shape.kv_heads * shape.head
    return {
        "q": (shape.hidden, query),
        "k": (shape.hidden, value),
        "v": (shape.hidden, value),
        "o": (query, shape.hidden),
        "gate": (shape.hidden, shape.intermediate),
        "up": (shape.hidden, shape.intermediate),
        "down": (shape.intermediate, shape.hidden),
    }


def _estimate(
    shape: ModelShape,
    instance: Instance,
    levers: Levers,
    rank: int,
    targets: str,
    slots: int,
    labelled_share: float,
    *,
    recompute: bool,
) -> MemoryEstimate:
    weights = 2 * parameters(shape) / 2**30
    adapters = 16 * trainable_parameters(shape, rank, targets) / 2**30
    per_layer = 40.5 * shape.hidden if targets == "attention" else 56.0 * shape.hidden  # bytes a token
    kept = 2 * shape.hidden if recompute else per_layer
    activations = CORRECTION * slots * kept * shape.layers / 2**30
    share = labelled_share if levers.logits == "labelled" else 1.0
    logits = CORRECTION * slots * share * 16 * shape.vocabulary / 2**30
    need = weights + adapters + activations + logits + OVERHEAD_GIB
    available = USABLE * instance.gpu_gib
    free = available - weights - adapters - OVERHEAD_GIB
    per_slot = (activations + logits) / slots
    fits = need <= available
    return MemoryEstimate(
        gradient_checkpointing=recompute,
        slots=slots,
        weights=round(weights, 3),
        adapters=round(adapters, 3),
        activations=round(activations, 3),
        logits=round(logits, 3),
        overhead=OVERHEAD_GIB,
        need=round(need, 3),
        available=round(available, 3),
        longest=max(0, int(free / per_slot)),
        fits=fits,
        advice="" if fits else "Lower PackLength.",
    )
