"""What a training job works with: the adapted model, the micro-batches, the plan and the seed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, TaskType, get_peft_model, set_peft_model_state_dict
from safetensors.torch import load_file
from transformers import set_seed

from steps import job
from steps.contract import (
    ADAPTER_WEIGHTS,
    FINGERPRINT,
    MODEL_FOLDER,
    PLAN,
    TOKENIZER_FOLDER,
    RunIdentity,
    TokenFingerprint,
    TrainingPlan,
    load,
)
from steps.models import device, load_base
from steps.prompt import TEMPLATE, Prompter, load_tokenizer, tokenizer_digest
from steps.shards import TokenSplit
from steps.train import kernels, ranks
from steps.train.options import TrainOptions

TARGETS: dict[str, list[str] | str] = {"attention": ["q_proj", "v_proj"], "all-linear": "all-linear"}


@dataclass(frozen=True)
class Workbench:
    """Everything a training job needs, loaded and checked."""

    model: Any
    train: TokenSplit
    validation: TokenSplit
    plan: TrainingPlan
    identity: RunIdentity
    base_name: str

    @property
    def trainable(self) -> int:
        """Number of weights that are trained."""
        return sum(weight.numel() for weight in self.model.parameters() if weight.requires_grad)


def prepare(options: TrainOptions) -> Workbench:
    """Load the base model and the shards, pull the levers, and put a fresh LoRA adapter on the model.

    Raises Refused where shards were made with another tokenizer, template or language order than this trainer's, and
    for a lever that this machine or this model lacks.
    """
    ranks.join()
    set_seed(options.seed)
    tokens = job.channel("tokens")
    fingerprint = load(tokens / FINGERPRINT, TokenFingerprint)
    tokenizer_folder = job.channel("model") / TOKENIZER_FOLDER
    if fingerprint.tokenizer_sha256 != tokenizer_digest(tokenizer_folder):
        raise job.Refused("the token shards were made with another tokenizer than this base model's; tokenise again")
    if fingerprint.template != TEMPLATE:
        raise job.Refused("the token shards were made with another prompt template than this trainer's; tokenise again")

    prompter = Prompter.of(load_tokenizer(tokenizer_folder), fingerprint.languages, fingerprint.names)
    on_gpu = device().type == "cuda"
    kernels.refuse_unusable(options.levers, _model_type(job.channel("model")), on_gpu=on_gpu)
    attention = kernels.choose_attention(options.levers, on_gpu=on_gpu)
    base, manifest = load_base(job.channel("model"), attention=attention)
    base.config.use_cache = False  # with a cache, packed examples would see each other
    kernels.fuse_kernels(base, options.levers)
    adapter = LoraConfig(
        task_type=TaskType.CAUSAL_LM,
        r=options.lora_rank,
        lora_alpha=2 * options.lora_rank,
        lora_dropout=options.levers.lora_dropout,
        use_rslora=options.levers.rslora,
        target_modules=TARGETS[options.lora_targets],
    )
    plan = load(tokens / PLAN, TrainingPlan)
    torch.manual_seed(options.seed)
    model = get_peft_model(base, adapter)
    recompute = plan.memory.gradient_checkpointing
    if recompute:
        kernels.recompute_activations(model)
    if options.levers.compile:
        kernels.compile_layers(model)
    in_force = {"attention": attention, "gradient_checkpointing": recompute}
    job.event("levers", **(options.levers.model_dump() | in_force), processes=ranks.count())
    return Workbench(
        model=model,
        train=TokenSplit(tokens / "train", prompter),
        validation=TokenSplit(tokens / "validation", prompter),
        plan=plan,
        identity=RunIdentity(
            base_model=manifest.fingerprint,
            lora_rank=options.lora_rank,
            lora_targets=options.lora_targets,
            rslora=options.levers.rslora,
            lora_dropout=options.levers.lora_dropout,
            learning_rate=options.learning_rate,
            micro_batches_per_step=plan.micro_batches_per_step,
            seed=options.seed,
            tokens=fingerprint,
        ),
        base_name=manifest.name,
    )


def _model_type(folder: Path) -> str:
    """transformers' name of the architecture, from config.json; empty where that cannot be read, which loading refuses."""
    try:
        return str(json.loads((folder / MODEL_FOLDER / "config.json").read_text(encoding="utf-8"))["model_type"])
    except (OSError, ValueError, KeyError):
        return ""


def load_adapter_weights(model: Any, checkpoint: Path) -> None:
    """Put a checkpoint's adapter weights into the model, from safetensors."""
    set_peft_model_state_dict(model, load_file(checkpoint / ADAPTER_WEIGHTS))
