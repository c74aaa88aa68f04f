"""A base model of Mistral's architecture with random weights, made on the device: nothing is downloaded or read from disk."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import torch

from steps.contract import MANIFEST, BaseModelManifest, load
from steps.models import device
from steps.train import setup
from tests.benchmarks.train_job import mistral_config


class RandomBase:
    """Stands in for `steps.models.load_base`. Models that it gives out share their frozen weights, which are made once."""

    def __init__(self, shape: dict[str, int]) -> None:
        from transformers import MistralForCausalLM

        torch.manual_seed(0)
        where = device()
        before = torch.get_default_dtype()
        torch.set_default_dtype(torch.bfloat16 if where.type == "cuda" else torch.float32)
        try:
            with where:
                self._model = MistralForCausalLM(mistral_config(shape))
        finally:
            torch.set_default_dtype(before)

    def __call__(self, folder: Path, *, attention: str = "sdpa") -> tuple[Any, BaseModelManifest]:
        """A model of its own modules, with this attention; the manifest is that of the folder."""
        shared = {id(weight): weight for weight in self._model.parameters()}
        model = copy.deepcopy(self._model, shared)
        model.set_attn_implementation(attention)
        return model, load(folder / MANIFEST, BaseModelManifest)


@contextmanager
def random_base(shape: dict[str, int]) -> Iterator[None]:
    """Training jobs of this process get a model of this shape with random weights."""
    with mock.patch.object(setup, "load_base", RandomBase(shape)):
        yield
