"""Reads from an encoder's folder how vectors are made of tokens, and refuses what cannot or must not be loaded.

1_Pooling/config.json    mean or CLS, as sentence-transformers writes it
2_Dense/                 a dense layer after that, if modules.json lists one (the LaBSE of sentence-transformers)
config_sentence_transformers.json    a prompt put before each sentence, if it has a default one ("query: " for e5)
none of them             BERT with the vocabulary of LaBSE: its pooler; every other: the mean over the attention mask
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from steps.job import Refused

LABSE_VOCABULARY = 501_153  # of google/LaBSE, a BERT whose authors take the pooler's output
WEIGHTS = ("model.safetensors", "model.safetensors.index.json")
CONVERT = "convert it where you trust it: AutoModel.from_pretrained(folder).save_pretrained(new_folder)"


def check_folder(folder: Path) -> None:
    """Raises Refused, with what to do, for a folder that is no encoder with safetensors."""
    if not (folder / "config.json").is_file():
        raise Refused(
            f"{folder} is no model folder: config.json is missing. Give a folder that save_pretrained wrote, with its"
            " tokenizer; nothing is downloaded here"
        )
    if not any((folder / name).is_file() for name in WEIGHTS):
        raise Refused(f"{folder} has no {WEIGHTS[0]}; weights of any other kind can run code when loaded. To {CONVERT}")
    for name in ("config.json", "tokenizer_config.json"):
        if "auto_map" in _read(folder / name):
            raise Refused(f"{folder / name} has auto_map: the model wants its own code to be run, which is never done")
    pooling_of(folder)


def pooling_of(folder: Path) -> str:
    """mean, cls or pooler. Raises Refused for another kind that the folder asks for."""
    asked = _read(folder / "1_Pooling" / "config.json")
    if asked:
        on = [name for name, value in asked.items() if name.startswith("pooling_mode") and value is True]
        known = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}
        if len(on) != 1 or on[0] not in known:
            raise Refused(
                f"{folder / '1_Pooling'} asks for {', '.join(on) or 'nothing'}; only {', '.join(known)} are known"
            )
        return known[on[0]]
    config = _read(folder / "config.json")
    labse = config.get("model_type") == "bert" and config.get("vocab_size") == LABSE_VOCABULARY
    return "pooler" if labse else "mean"


def dense_of(folder: Path) -> Any:
    """The dense layer after the pooling, None where modules.json lists none."""
    import torch

    modules = _read(folder / "modules.json", list)
    places = [str(item.get("path")) for item in modules if str(item.get("type", "")).endswith(".Dense")]
    if not places:
        return None
    place = folder / places[0]
    if len(places) > 1 or Path(places[0]).name != places[0]:
        raise Refused(f"{folder / 'modules.json'} lists several dense layers or one elsewhere; one beside it is known")
    if not (place / WEIGHTS[0]).is_file():
        raise Refused(f"{place} has no {WEIGHTS[0]}; save the model again with a current sentence-transformers")
    from safetensors.torch import load_file

    config = _read(place / "config.json")
    activation = str(config.get("activation_function", "")).rpartition(".")[2]
    kinds = {"Tanh": torch.nn.Tanh, "Identity": torch.nn.Identity}
    if activation not in kinds:
        raise Refused(f"{place / 'config.json'}: activation {activation!r} is not one of {', '.join(kinds)}")
    weights = {name.rpartition(".")[2]: value for name, value in load_file(place / WEIGHTS[0]).items()}
    rows, columns = weights["weight"].shape
    layer = torch.nn.Linear(columns, rows, bias="bias" in weights)
    layer.load_state_dict(weights)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.nn.Sequential(layer, kinds[activation]()).eval().to(device)


def prompt_of(folder: Path) -> str:
    """What is put before each sentence, mostly nothing."""
    config = _read(folder / "config_sentence_transformers.json")
    return str((config.get("prompts") or {}).get(config.get("default_prompt_name"), ""))


def _read(path: Path, kind: type[Any] = dict) -> Any:
    """JSON of a file, an empty value where there is none. Raises Refused when it is something else."""
    if not path.is_file():
        return kind()
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Refused(f"{path} cannot be read: {error}") from error
    if not isinstance(value, kind):
        raise Refused(f"{path} holds no {kind.__name__}")
    return value
