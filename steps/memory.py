"""GPU memory of LoRA training, by formula: what autograd keeps per token, counted term by term.

The base is bf16 and frozen, adapters are fp32 under bf16 autocast, one micro-batch is on the GPU at a time. A tensor is
kept for the backward pass only where some gradient needs it, so a frozen linear layer keeps nothing of its own. The terms
are those that `torch.autograd.graph.saved_tensors_hooks` shows on a decoder layer of transformers 5.23 with peft 0.21.2;
`tests/unit/test_memory.py` counts them again. docs/memory.md sets the sums beside published figures.

What is left out: torch.compile, which keeps less; CanaryTrain measures the real peak and has the last word.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

from steps.contract import MemoryEstimate, ModelShape
from steps.instances import TRAINING_INSTANCES, Instance
from steps.levers import Levers

USABLE = 0.96  # of what torch reports: allocators fragment
OVERHEAD_GIB = 0.8  # CUDA context, cuBLAS workspaces
CORRECTION = 1.07  # on all that grows with tokens: the allocator rounds up; see docs/memory.md
BYTES_PER_WEIGHT = 2  # bf16
BYTES_PER_TRAINED = 18  # fp32 weight, gradient and two AdamW moments; a bf16 copy while autocast is on
LOGIT_BYTES = 12  # fp32 log-softmax, its gradient and that of its input; what came before is freed by then
DROPOUT_MASK_BYTES = 1  # a boolean a value on CUDA (ATen native_dropout); on a CPU it is 4, fp32 noise
LABELLED_SHARE = 0.6  # of token slots that have a token to predict; 0.4 to 0.6 on news text
FULL_SPEED_SLOTS = 512  # under it a micro-batch waits for weights more than it computes
RANKS = (128, 64, 32, 16, 8)  # of which advice names the largest that fits
STEP = 64  # advice about PackLength is a multiple of this


def linear_layers(shape: ModelShape) -> dict[str, tuple[int, int]]:
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


def matmul_parameters(shape: ModelShape) -> int:
    """Weights that every token is multiplied with: all but the input embedding and the norms."""
    per_layer = sum(rows * columns for rows, columns in linear_layers(shape).values())
    return per_layer * shape.layers + shape.hidden * shape.vocabulary


def parameters(shape: ModelShape) -> int:
    """All weights of the model."""
    embedding = 0 if shape.tied else shape.hidden * shape.vocabulary
    return matmul_parameters(shape) + embedding + shape.hidden * (2 * shape.layers + 1)


def trainable_parameters(shape: ModelShape, rank: int, targets: str) -> int:
    """Weights of the LoRA adapters: rank x (in + out) for each adapted layer."""
    return shape.layers * rank * sum(map(sum, _adapted(shape, targets)))


def micro_batch(levers: Levers, pack_length: int, max_length: int) -> tuple[int, int]:
    """Token slots and row width of the largest micro-batch that a batching strategy of `steps.batching` makes."""
    if levers.batching == "packed":
        return pack_length, pack_length
    if levers.batching == "token-budget":
        return pack_length, max_length
    return max(1, pack_length // max_length) * max_length, max_length


def layer_terms(
    shape: ModelShape,
    levers: Levers,
    *,
    rank: int,
    targets: str,
    width: int,
    mask_bytes: int = DROPOUT_MASK_BYTES,
) -> dict[str, float]:
    """Bytes that one decoder layer keeps for each token slot in rows of `width` slots, by what they are for.

    norms: two fp32 copies of the residual stream and a root; Liger keeps bf16 and the root.
    attention: q and its output; k and v, repeated to all heads where a mask is given (sdpa cannot group them then);
    the log-sum of each head in fp32; with a mask also one bf16 row of it. varlen needs no mask.
    mlp: gate, silu(gate) and up; Liger computes silu again.
    adapter inputs: every adapter takes an fp32 copy of its input, which autocast turns to bf16; and rank outputs.
    dropout masks: one for each adapter's input.
    """
    fused, dense = levers.kernels == "liger", levers.attention != "varlen"
    query, value = shape.heads * shape.head, shape.kv_heads * shape.head
    inputs = [rows for rows, _ in _adapted(shape, targets)]
    mask = 2 * width if dense else 0
    return {
        "norms": 2 * ((2 if fused else 4) * shape.hidden + 4),
        "attention": 4 * query + 4 * (query if dense else value) + 4 * shape.heads + mask,
        "mlp": (2 if fused else 3) * 2 * shape.intermediate,
        "adapter inputs": 2 * sum(inputs) + 2 * rank * len(inputs),
        "dropout masks": mask_bytes * sum(inputs) if levers.lora_dropout else 0,
    }


def memory_estimate(
    shape: ModelShape,
    instance: Instance,
    levers: Levers,
    *,
    rank: int,
    targets: str,
    slots: int,
    labelled_share: float = LABELLED_SHARE,
    width: int | None = None,
) -> MemoryEstimate:
    """GiB a GPU needs to train with micro-batches of `slots` token slots, in rows of `width`; packed, one row has them all.

    With `auto` activations are recomputed only where they do not fit otherwise. The advice is not empty where it does not
    fit, and where it fits only by recomputing.
    """

    def weigh(levers: Levers, targets: str, slots: int, rank: int) -> MemoryEstimate:
        wide = min(width, slots) if width and levers.batching != "packed" else None

        def estimate(*, recompute: bool) -> MemoryEstimate:
            return _estimate(shape, instance, levers, rank, targets, slots, labelled_share, wide, recompute=recompute)

        if levers.gradient_checkpointing == "auto":
            kept = estimate(recompute=False)
            return kept if kept.fits else estimate(recompute=True)
        return estimate(recompute=levers.gradient_checkpointing == "on")

    found = weigh(levers, targets, slots, rank)
    if found.fits and not (found.gradient_checkpointing and levers.gradient_checkpointing == "auto"):
        return found
    return found.model_copy(update={"advice": _advice(found, weigh, levers, targets, slots, rank)})


def too_big(found: MemoryEstimate, instance_type: str) -> str:
    """Why it does not fit: need, what there is, the longest micro-batch that fits, the lever to pull. Empty when it fits."""
    if found.fits:
        return ""
    machine = TRAINING_INSTANCES[instance_type]
    return (
        f"micro-batches of {found.slots:,} token slots need {found.need:.1f} GiB where {found.available:.1f} may be planned "
        f"with ({machine.gpu} of {instance_type}: {machine.gpu_gib:g} GiB), and the longest that fits is "
        f"{found.longest:,} slots. {found.advice.rstrip('.')}"
    )


Weigh = Callable[[Levers, str, int, int], MemoryEstimate]


def _advice(found: MemoryEstimate, weigh: Weigh, levers: Levers, targets: str, slots: int, rank: int) -> str:
    """What would make it fit, in the order of what it costs: nothing, some capacity, a third of the speed."""
    if found.fits:
        kept = levers.model_copy(update={"gradient_checkpointing": "off"})
        said = list(_ways(weigh, kept, targets, slots, rank, lowest=FULL_SPEED_SLOTS))
        ways = f" Without it: {'; or '.join(said)}." if said else ""
        return f"Activations are recomputed, half again the arithmetic.{ways}"
    said = list(_ways(weigh, levers, targets, slots, rank, lowest=STEP))
    gib = math.ceil(found.need / USABLE)
    said.append(f"a GPU on which torch reports {gib} GiB or more")
    return f"Best first: {'; or '.join(said)}."


def _ways(weigh: Weigh, levers: Levers, targets: str, slots: int, rank: int, *, lowest: int) -> Iterator[str]:
    """Single changes that fit, each with what it then needs."""

    def change(**to: object) -> MemoryEstimate:
        return weigh(levers.model_copy(update=to), targets, slots, rank)

    longest = weigh(levers, targets, slots, rank).longest // STEP * STEP
    shorter = f"PackLength at most {longest}" if longest >= lowest else ""
    if levers.logits == "all" and (less := change(logits="labelled")).fits:
        yield f"the lever logits=labelled ({less.need:.1f} GiB)"
    if levers.lora_dropout and (less := change(lora_dropout=0.0)).fits:
        yield f"the lever lora_dropout=0 ({less.need:.1f} GiB)"
    if shorter and longest >= FULL_SPEED_SLOTS:
        yield shorter
    if targets != "attention" and (less := weigh(levers, "attention", slots, rank)).fits:
        yield f"LoraTargets=attention ({less.need:.1f} GiB)"
    for lower in RANKS:
        if lower < rank and (less := weigh(levers, targets, slots, lower)).fits:
            yield f"LoraRank={lower} ({less.need:.1f} GiB)"
            break
    if levers.kernels == "none" and (less := change(kernels="liger")).fits:
        yield f"the lever kernels=liger ({less.need:.1f} GiB)"
    if levers.gradient_checkpointing == "off" and lowest == STEP and (less := change(gradient_checkpointing="on")).fits:
        yield f"the lever gradient_checkpointing=on ({less.need:.1f} GiB, half again the arithmetic)"
    if shorter and longest < FULL_SPEED_SLOTS:
        yield shorter


def _estimate(
    shape: ModelShape,
    instance: Instance,
    levers: Levers,
    rank: int,
    targets: str,
    slots: int,
    labelled_share: float,
    width: int | None,
    *,
    recompute: bool,
) -> MemoryEstimate:
    weights = BYTES_PER_WEIGHT * parameters(shape) / 2**30
    adapters = BYTES_PER_TRAINED * trainable_parameters(shape, rank, targets) / 2**30
    available = USABLE * instance.gpu_gib

    def growing(slots: int) -> tuple[float, float]:
        """GiB of activations and of logits at the peak."""
        terms = layer_terms(shape, levers, rank=rank, targets=targets, width=width or slots)
        gib = CORRECTION * slots / 2**30
        activations, logits = _peak(shape, levers, sum(terms.values()), labelled_share, recompute=recompute)
        return gib * activations, gib * logits

    def need(slots: int) -> float:
        return weights + adapters + sum(growing(slots)) + OVERHEAD_GIB

    activations, logits = growing(slots)
    return MemoryEstimate(
        gradient_checkpointing=recompute,
        slots=slots,
        weights=round(weights, 3),
        adapters=round(adapters, 3),
        activations=round(activations, 3),
        logits=round(logits, 3),
        overhead=OVERHEAD_GIB,
        need=round(need(slots), 3),
        available=round(available, 3),
        longest=_longest(need, available),
        fits=need(slots) <= available,
        advice="",
    )


def _peak(
    shape: ModelShape, levers: Levers, layer: float, labelled_share: float, *, recompute: bool
) -> tuple[float, float]:
    """Bytes a slot of activations and of logits at the worse of two moments: backward of the loss, or of the last layer.

    At the first everything kept lies beside the logits and the last norm. At the second the logits are gone; the layer, made
    again where activations are recomputed, lies beside three gradients as wide as the MLP and one as wide as the stream.
    """
    kept = shape.layers * (2 * shape.hidden if recompute else layer)
    of_loss = kept + 6 * shape.hidden + 4, _logits(shape, levers, labelled_share)
    of_layer = kept + (layer if recompute else 0) + 6 * shape.intermediate + 2 * shape.hidden, 0.0
    return max(of_loss, of_layer, key=sum)


def _logits(shape: ModelShape, levers: Levers, labelled_share: float) -> float:
    """Bytes a slot of logits. Liger makes them in ceil(vocabulary / hidden) pieces, and keeps a gradient of its input."""
    share = labelled_share if levers.logits == "labelled" else 1.0
    if levers.kernels == "liger":
        return share * (2 * shape.vocabulary / math.ceil(shape.vocabulary / shape.hidden) + 2 * shape.hidden)
    return share * LOGIT_BYTES * shape.vocabulary


def _longest(need: Callable[[int], float], available: float) -> int:
    """The most token slots that need no more than there is; 0 where not even one fits."""
    low, high = 0, 1
    while need(high) <= available:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if need(middle) <= available else (low, middle)
    return low


def _adapted(shape: ModelShape, targets: str) -> list[tuple[int, int]]:
    layers = linear_layers(shape)
    return [layers["q"], layers["v"]] if targets == "attention" else list(layers.values())
