"""The levers that change how the model computes: attention, fused kernels, recomputation, compilation.

None of them changes what is computed; tests hold each to the same loss and gradients.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from transformers.utils import is_flash_attn_2_available

from steps.job import Refused
from steps.levers import Levers

VARLEN = "flash_attention_2"  # transformers' name; takes the examples' limits from positions that restart


def refuse_unusable(levers: Levers, model_type: str, *, on_gpu: bool) -> None:
    """Raises Refused for a lever that this machine, this model or another lever makes impossible."""
    if levers.attention == "varlen" and not (on_gpu and is_flash_attn_2_available()):
        raise Refused(
            "attention=varlen needs a GPU and the package flash-attn, which this image lacks. Take the AWS PyTorch image, "
            "which brings it, install flash-attn, or set attention to auto or sdpa."
        )
    if levers.compile and not on_gpu:
        raise Refused("compile=true is for GPUs: on a CPU it costs more than it saves. Set compile to false.")
    if levers.kernels == "liger":
        _refuse_without_liger(model_type, on_gpu=on_gpu)


def choose_attention(levers: Levers, *, on_gpu: bool) -> str:
    """transformers' name of the attention: over each example alone where flash-attn is there, else PyTorch's own."""
    varlen = levers.attention == "varlen" or (levers.attention == "auto" and on_gpu and is_flash_attn_2_available())
    return VARLEN if varlen else "sdpa"


def fuse_kernels(model: Any, levers: Levers) -> None:
    """Replace norm, rotary embedding, SwiGLU and loss of a loaded model by Liger's, before an adapter is put on it."""
    if levers.kernels == "liger":
        from liger_kernel.transformers.monkey_patch import _apply_liger_kernel_to_instance

        _apply_liger_kernel_to_instance(model=model)


def recompute_activations(model: Any) -> None:
    """Keep only each decoder layer's input and compute the rest again in the backward pass.

    The non-reentrant form needs no gradient at the embeddings, which are frozen.
    """
    model.activation_checkpointing_enable(activation_checkpointing_kwargs={"use_reentrant": False})


def compile_layers(model: Any, backend: str = "inductor") -> int:
    """Compile every decoder layer where it stands, so that names of weights stay; returns how many.

    Layers share their graphs, since they differ in weights alone: a whole model would take minutes instead of seconds.
    """
    layers = decoder_layers(model)
    for layer in layers:
        layer.compile(backend=backend, dynamic=False)
    return len(layers)


def decoder_layers(model: Any) -> list[Any]:
    """The decoder layers below an adapter. Raises Refused where the model keeps them under another name."""
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    layers = getattr(getattr(base, base.base_model_prefix, base), "layers", None)
    if layers is None:
        raise Refused(
            f"compile=true does not know where {type(base).__name__} keeps its decoder layers; set it to false"
        )
    return list(layers)


def _refuse_without_liger(model_type: str, *, on_gpu: bool) -> None:
    if not on_gpu:
        raise Refused("kernels=liger needs a GPU, since its kernels are written in Triton. Set kernels to none.")
    if find_spec("liger_kernel") is None:
        raise Refused(
            "kernels=liger needs the package liger-kernel: install the extra asusu[gpu], or set kernels to none."
        )
    from liger_kernel.transformers.monkey_patch import MODEL_TYPE_TO_APPLY_LIGER_FN

    if model_type not in MODEL_TYPE_TO_APPLY_LIGER_FN:
        raise Refused(f"liger-kernel has no kernels for the architecture {model_type!r}. Set kernels to none.")
