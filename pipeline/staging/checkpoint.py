"""Checks a model folder in Hugging Face layout before anything of it is staged: what it holds, and what it must not."""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from pipeline.errors import BadInput
from steps.contract import ModelShape

CONFIG = "config.json"
WEIGHTS_INDEX = "model.safetensors.index.json"
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")
MODEL_EXTRAS = ("generation_config.json",)
TOKENIZER = (
    "tokenizer.json"  # what the steps read and the registry's bundle carries; tokenizer.model alone is not enough
)
TOKENIZER_FILES = (
    TOKENIZER,
    "tokenizer.model",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.jinja",
)
LICENCE_FILES = ("LICENSE", "LICENSE.txt", "LICENSE.md")
CARD = "README.md"  # read for the licence, not staged
DOWNLOADED = (CONFIG, WEIGHTS_INDEX, "model*.safetensors", *MODEL_EXTRAS, *TOKENIZER_FILES, *LICENCE_FILES, CARD)


@dataclass(frozen=True)
class Checkpoint:
    """A model folder that passed: the files to stage, by name, and the facts of its manifest."""

    model_files: tuple[str, ...]
    tokenizer_files: tuple[str, ...]
    architecture: str
    parameters: int
    vocabulary: int
    shape: ModelShape
    licence: str


def inspect(folder: Path) -> Checkpoint:
    """Check a folder and list what of it is staged. Raises BadInput for the first thing that makes it unusable."""
    config = _config(folder)
    weights = _weights(folder)
    tokenizer_files = tuple(name for name in TOKENIZER_FILES if (folder / name).is_file())
    if TOKENIZER not in tokenizer_files:
        raise BadInput(
            f"{folder} has no {TOKENIZER}, the tokenizer's whole form",
            hint="save it beside the model: AutoTokenizer.from_pretrained(...).save_pretrained(folder)",
        )
    extras = (*MODEL_EXTRAS, *LICENCE_FILES, WEIGHTS_INDEX)
    return Checkpoint(
        model_files=(CONFIG, *weights, *(name for name in extras if (folder / name).is_file())),
        tokenizer_files=tokenizer_files,
        architecture=_architecture(folder, config),
        parameters=sum(_count_weights(folder / name) for name in weights),
        vocabulary=_vocabulary(folder, config),
        shape=_shape(folder, config),
        licence=_licence(folder),
    )


def _config(folder: Path) -> dict[str, Any]:
    """config.json. Raises BadInput when missing, not JSON, or asking for code of its own to be run."""
    config = _read_json(folder / CONFIG)
    asking = [name for name in (CONFIG, "tokenizer_config.json") if _asks_for_code(folder / name)]
    if asking:
        raise BadInput(
            f"{folder / asking[0]} has `auto_map`: the model wants its own Python code to be run, which is never done",
            hint="choose a model whose architecture is part of transformers",
        )
    return config


def _asks_for_code(path: Path) -> bool:
    return path.is_file() and "auto_map" in _read_json(path)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(
            f"{path.parent} is not a model folder: cannot read {path.name}: {error.strerror or error}",
            hint=f"a model folder holds {CONFIG}, model.safetensors and a tokenizer",
        ) from error
    except ValueError as error:
        raise BadInput(f"{path} is not JSON: {error}", hint="fetch or save the model again") from error
    if not isinstance(value, dict):
        raise BadInput(f"{path} is not a JSON object", hint="fetch or save the model again")
    return value


def _weights(folder: Path) -> tuple[str, ...]:
    """Names of the safetensors files. Raises BadInput for pickles instead, or for missing shards."""
    index = folder / WEIGHTS_INDEX
    if index.is_file():
        shards = tuple(sorted(set(_read_json(index).get("weight_map", {}).values())))
        missing = [name for name in shards if Path(name).name != name or not (folder / name).is_file()]
        if missing or not shards:
            raise BadInput(
                f"{index} lists {len(shards)} weight files, of which {len(missing)} are missing: {', '.join(missing[:3])}",
                hint="download or save the model again",
            )
        return shards
    if (folder / "model.safetensors").is_file():
        return ("model.safetensors",)
    pickles = sorted(path.name for pattern in PICKLES for path in folder.glob(pattern))
    if pickles:
        raise BadInput(
            f"{folder} has its weights as a pickle ({pickles[0]}), which can run code when loaded; only safetensors are read",
            hint="convert it where you trust it: AutoModelForCausalLM.from_pretrained(folder).save_pretrained(new_folder)",
        )
    raise BadInput(f"{folder} has no weights: model.safetensors is missing", hint="give the folder of a full model")


def _architecture(folder: Path, config: dict[str, Any]) -> str:
    """The model class. Raises BadInput unless it is a causal language model that transformers has."""
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    architecture = next(iter(config.get("architectures") or []), "")
    if architecture not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.values():
        raise BadInput(
            f"{folder / CONFIG}: architecture {architecture or 'is not given and'!r} is not a causal language model",
            hint="choose a decoder model, such as MistralForCausalLM",
        )
    return str(architecture)


def _count_weights(path: Path) -> int:
    """Number of weights in a safetensors file, from its header. Raises BadInput when it cannot be read."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            return sum(prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise BadInput(f"{path} is damaged: {error}", hint="download or save the model again") from error


def _vocabulary(folder: Path, config: dict[str, Any]) -> int:
    """Rows of the embedding. Raises BadInput when the tokenizer is unusable, lacks BOS or EOS, or knows more tokens."""
    from steps.job import Refused
    from steps.prompt import load_tokenizer

    size = config.get("vocab_size")
    if not isinstance(size, int) or size < 1:
        raise BadInput(f"{folder / CONFIG} does not say vocab_size", hint="fetch or save the model again")
    try:
        tokenizer = load_tokenizer(folder)
    except Refused as error:
        raise BadInput(f"the tokenizer in {folder} cannot be used: {error}", hint="save its tokenizer again") from error
    except Exception as error:  # the Rust parser raises bare Exception
        raise BadInput(f"the tokenizer in {folder} cannot be read: {error}", hint="save its tokenizer again") from error
    tokens: int = len(tokenizer)  # type: ignore[arg-type]
    if tokens > size:
        raise BadInput(
            f"the tokenizer in {folder} has {tokens} tokens and the model has embeddings for {size}",
            hint="give the tokenizer that belongs to this model",
        )
    return size


def _shape(folder: Path, config: dict[str, Any]) -> ModelShape:
    """Dimensions of the model. Raises BadInput where config.json does not say them in the names of Llama and Mistral."""
    try:
        return ModelShape.of(config)
    except KeyError as error:
        raise BadInput(
            f"{folder / CONFIG} does not say {error.args[0]}, without which memory and time cannot be estimated",
            hint="choose a decoder model of the Llama or Mistral kind",
        ) from error
    except (TypeError, ValueError) as error:
        raise BadInput(
            f"{folder / CONFIG}: the dimensions cannot be read: {error}", hint="save the model again"
        ) from error


def _licence(folder: Path) -> str:
    """What the model card says, else the first line of a licence file, else that nothing is stated."""
    card = folder / CARD
    if card.is_file():
        lines = card.read_text(encoding="utf-8", errors="replace").splitlines()[:60]
        stated = next((line.partition(":")[2].strip() for line in lines if line.startswith("license:")), "")
        if stated:
            return stated
    for name in LICENCE_FILES:
        if (folder / name).is_file():
            lines = (folder / name).read_text(encoding="utf-8", errors="replace").split("\n")
            return next((line.strip() for line in lines if line.strip()), "not stated")
    return "not stated"
