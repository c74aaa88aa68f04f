"""The systems under test: one base model, and adapters that are switched on and off over it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import torch
from peft import LoraConfig, PeftModel, get_peft_model_state_dict
from safetensors import SafetensorError, safe_open
from transformers import GenerationConfig

from steps.contract import ADAPTER_CONFIG, ADAPTER_WEIGHTS, BaseModelManifest
from steps.job import Refused
from steps.models import load_base

BASE: Final = "base"
TRAINED: Final = "trained"
CHAMPION: Final = "champion"


def load_systems(base: Path, adapters: Mapping[str, Path]) -> tuple[Any, BaseModelManifest]:
    """The base model with every named adapter on it, none of them trainable, and the base model's manifest.

    Raises Refused for an adapter that is incomplete, or was trained for another base model.
    """
    model, manifest = load_base(base)
    model.generation_config = GenerationConfig()  # a base model's own sampling or penalties must not shape its scores
    configs = {name: _read_config(name, folder, manifest) for name, folder in adapters.items()}
    for name, folder in adapters.items():
        try:
            if isinstance(model, PeftModel):
                model.load_adapter(folder, adapter_name=name, is_trainable=False)
            else:
                model = PeftModel.from_pretrained(model, folder, adapter_name=name, config=configs[name])
        except (RuntimeError, ValueError, OSError, SafetensorError) as error:
            reason = str(error).strip().splitlines()[0]
            raise Refused(f"the {name} adapter does not fit the base model {manifest.name}: {reason}") from error
        _refuse_other_tensors(model, name, folder / ADAPTER_WEIGHTS)
    return model.eval(), manifest


def systems_of(model: PeftModel) -> list[str]:
    """The base model first, then the adapters in the order they were loaded."""
    return [BASE, *model.peft_config]


@contextmanager
def acting_as(model: PeftModel, system: str) -> Iterator[None]:
    """Inside this context the model answers as the named system."""
    if system == BASE:
        with model.disable_adapter():
            yield
    else:
        model.set_adapter(system)
        yield


def largest_lora_b(model: PeftModel, adapter: str) -> float:
    """Largest magnitude among an adapter's lora_B weights, which all start at zero: 0 means it equals its base."""
    weights = [value for name, value in _tensors(model, adapter).items() if "lora_B" in name]
    if not all(bool(torch.isfinite(value).all()) for value in weights):
        raise Refused(f"the {adapter} adapter holds weights that are not finite")
    return max((float(value.abs().max()) for value in weights), default=0.0)


def _read_config(name: str, folder: Path, manifest: BaseModelManifest) -> LoraConfig:
    for file in (ADAPTER_CONFIG, ADAPTER_WEIGHTS):
        if not (folder / file).is_file():
            raise Refused(f"the {name} adapter has no {file}")
    try:
        config = LoraConfig.from_pretrained(folder)
    except (TypeError, ValueError) as error:
        raise Refused(f"the {name} adapter's {ADAPTER_CONFIG} is not a LoRA configuration: {error}") from error
    if config.base_model_name_or_path != manifest.name:
        raise Refused(
            f"the {name} adapter was trained for {config.base_model_name_or_path}, not for the mounted {manifest.name}"
        )
    return config


def _refuse_other_tensors(model: PeftModel, name: str, weights: Path) -> None:
    """peft only warns about tensors that found no place, and leaves those it missed at their random start."""
    with safe_open(weights, framework="pt") as file:
        different = set(file.keys()) ^ set(_tensors(model, name))
    if different:
        some = ", ".join(sorted(different)[:3])
        raise Refused(f"the {name} adapter's tensors are not those of its configuration: {some}")


def _tensors(model: PeftModel, adapter: str) -> dict[str, torch.Tensor]:
    tensors: dict[str, torch.Tensor] = get_peft_model_state_dict(
        model, adapter_name=adapter, save_embedding_layers=False
    )
    return tensors
