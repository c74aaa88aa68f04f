"""What a checkpoint must hold before it is sealed: all of its files, readable, of this run, of its step, and finite."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import get_peft_model_state_dict
from safetensors import SafetensorError
from safetensors.torch import load_file
from transformers.trainer_pt_utils import safe_globals

from steps.contract import ADAPTER_CONFIG, ADAPTER_WEIGHTS
from steps.job import Refused

OPTIMIZER, SCHEDULER, STATE = "optimizer.pt", "scheduler.pt", "trainer_state.json"  # transformers' names
INCOMPLETE = "checkpoint-is-incomplete.txt"  # transformers leaves it in a checkpoint that it could not end

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Expected:
    """What every checkpoint of a run has in common."""

    adapter: dict[str, Shape]
    """Shapes of the adapter's tensors, by their names in the file."""
    trained: list[Shape]
    """Shapes of the trained tensors, in the optimiser's order."""
    random_states: list[str]
    """Files of the random numbers' states, one for each process of this host; other hosts keep their own."""

    @classmethod
    def of(cls, model: Any, optimizer: Any, processes: int) -> Expected:
        """What is expected of a run of so many processes with this model and this optimiser."""
        adapter = get_peft_model_state_dict(model, save_embedding_layers=False)
        here = int(os.environ.get("LOCAL_WORLD_SIZE", processes))
        return cls(
            {name: tuple(tensor.shape) for name, tensor in adapter.items()},
            [tuple(tensor.shape) for group in optimizer.param_groups for tensor in group["params"]],
            ["rng_state.pth"] if processes == 1 else [f"rng_state_{rank}.pth" for rank in range(here)],
        )


def validate(folder: Path, step: int, expected: Expected) -> None:
    """Raises Refused with the first thing that is wrong with a checkpoint of a step.

    Pickled files are read by torch's reader for weights alone, as they are when a run goes on from them.
    """
    needed = [ADAPTER_WEIGHTS, ADAPTER_CONFIG, OPTIMIZER, SCHEDULER, STATE, *expected.random_states]
    missing = [name for name in needed if not (folder / name).is_file()]
    if missing:
        raise Refused(f"{folder.name} lacks {', '.join(missing)}")
    if (folder / INCOMPLETE).exists():
        raise Refused(f"{folder.name} is marked as incomplete by {INCOMPLETE}")
    _check_adapter(folder / ADAPTER_WEIGHTS, expected.adapter)
    _check_optimizer(folder / OPTIMIZER, expected.trained)
    _check_step(folder / SCHEDULER, "last_epoch", _read_pickled(folder / SCHEDULER), step)
    _check_step(folder / STATE, "global_step", _read_json(folder / STATE), step)
    _read_json(folder / ADAPTER_CONFIG)
    for name in expected.random_states:
        states = _read_pickled(folder / name)
        if not isinstance(states, dict) or not {"python", "numpy", "cpu"} <= states.keys():
            raise Refused(f"{_named(folder / name)} does not hold the states of the random numbers")


def _named(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _read_pickled(path: Path) -> Any:
    try:
        with safe_globals():
            return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file can make the reader raise anything
        raise Refused(f"{_named(path)} cannot be read: {error}") from error


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Refused(f"{_named(path)} cannot be read: {error}") from error


def _check_adapter(path: Path, expected: dict[str, Shape]) -> None:
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise Refused(f"{_named(path)} cannot be read: {error}") from error
    if tensors.keys() != expected.keys():
        other = sorted(tensors.keys() ^ expected.keys())
        raise Refused(f"{_named(path)} holds {len(tensors)} tensors where {len(expected)} are trained; see {other[0]}")
    for name, tensor in tensors.items():
        if tuple(tensor.shape) != expected[name]:
            raise Refused(f"{_named(path)} has {name} in shape {tuple(tensor.shape)} instead of {expected[name]}")
        if not torch.isfinite(tensor).all():
            raise Refused(f"{_named(path)} is not finite in {name}")


def _check_optimizer(path: Path, trained: list[Shape]) -> None:
    """One state for each trained tensor: a number of steps, and moments of the tensor's own shape."""
    found = _read_pickled(path)
    if not isinstance(found, dict) or not isinstance(found.get("state"), dict):
        raise Refused(f"{_named(path)} does not hold an optimiser's state")
    states = found["state"]
    if sorted(states) != list(range(len(trained))):
        raise Refused(f"{_named(path)} holds {len(states)} states where {len(trained)} tensors are trained")
    for number, shape in enumerate(trained):
        for name, value in states[number].items():
            tensor = torch.as_tensor(value)
            if tensor.ndim and tuple(tensor.shape) != shape:
                raise Refused(
                    f"{_named(path)} has {name} of tensor {number} in shape {tuple(tensor.shape)}, not {shape}"
                )
            if not torch.isfinite(tensor).all():
                raise Refused(f"{_named(path)} is not finite in {name} of tensor {number}")


def _check_step(path: Path, key: str, found: Any, step: int) -> None:
    value = found.get(key) if isinstance(found, dict) else None
    if value != step:
        raise Refused(f"{_named(path)} is of step {value} ({key}) instead of {step}")
