"""The smallest real inputs of a training job: a random base model, and token shards that the real step made of them."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

SENTENCES = [
    ("The child eats yam.", "Nwa ahụ na-eri ji."),
    ("We see the market.", "Anyị na-ahụ ahịa ahụ."),
    ("She will buy fish tomorrow.", "Ọ ga-azụ azụ echi."),
    ("Where is the water?", "Kedu ebe mmiri ahụ dị?"),
    ("They do not drink palm wine.", "Ha anaghị aṅụ mmanya nkwụ."),
    ("My mother cooks in the evening.", "Nne m na-esi nri na mgbede."),
]

HYPERPARAMETERS = {
    "LearningRate": "0.01",
    "LoraRank": "4",
    "LoraTargets": "all-linear",
    "MaxTrainingHours": "1",
    "MaxCostUsd": "10",
    "Seed": "3",
    "TrainingInstanceType": "ml.g5.xlarge",
    "mode": "train",
    "canary_steps": "6",
    "save_total_limit": "null",
    "max_runtime_seconds": "432000",
}


def make_base_model(folder: Path) -> Path:
    """Write a staged base model (manifest.json, model/, tokenizer/) with random weights: 2 layers, hidden size 32."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import MistralConfig, MistralForCausalLM, PreTrainedTokenizerFast

    from steps.contract import MANIFEST, BaseModelManifest, ModelShape, save
    from steps.sums import fingerprint_of, list_files

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = ["<unk>", "<s>", "</s>", "<pad>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator([side for pair in SENTENCES for side in pair], trainer)
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>", pad_token="<pad>"
    ).save_pretrained(folder / "tokenizer")
    torch.manual_seed(0)
    config = MistralConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        sliding_window=None,
        initializer_range=0.2,  # enough for sentences to matter to each other
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=3,
    )
    model = MistralForCausalLM(config)
    model.save_pretrained(folder / "model")
    files = list_files(folder)
    manifest = BaseModelManifest(
        name="random-tiny",
        revision="test",
        licence="Apache-2.0",
        architecture="MistralForCausalLM",
        parameters=sum(weight.numel() for weight in model.parameters()),
        vocabulary=config.vocab_size,
        shape=ModelShape.of(config.to_dict()),
        files=files,
        fingerprint=fingerprint_of(files),
    )
    save(folder / MANIFEST, manifest)
    return folder


def make_tokens(base_model: Path, root: Path, *, repeats: int = 1, **changes: str) -> Path:
    """Run TokenizeExamples below `root` and return its `tokens` output.

    Unless `changes` say otherwise: 20 optimiser steps of two packs of 64 tokens. Each sentence is there `repeats` times
    in the training split, and at most four times in the validation split.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    from steps.contract import MANIFEST
    from steps.tokenize.__main__ import main

    inputs = root / "processing" / "input"
    (inputs / "splits").mkdir(parents=True)
    for split, times in (("train", repeats), ("validation", min(repeats, 4))):
        pairs = SENTENCES * times
        columns = {"id": [str(number) for number in range(len(pairs))]}
        columns |= {"en": [pair[0] for pair in pairs], "ig": [pair[1] for pair in pairs]}
        pq.write_table(pa.table(columns), inputs / "splits" / f"{split}.parquet")
    shutil.copytree(base_model / "tokenizer", inputs / "tokenizer")
    (inputs / "base-model-manifest").mkdir()
    shutil.copy(base_model / MANIFEST, inputs / "base-model-manifest")
    settings = {
        "SAGEMAKER_BASE_DIR": str(root),
        "SourceLanguage": "en",
        "TargetLanguage": "ig",
        "MaxLength": "64",
        "PackLength": "64",
        "TokensPerStep": "128",
        "Epochs": "100",
        "MaxSteps": "20",
        "TrainingInstanceType": "ml.g5.xlarge",
        "LoraRank": "4",
        "LoraTargets": "all-linear",
        "MaxTrainingHours": "1",
        "MaxCostUsd": "10",
    }
    before = os.environ.copy()
    os.environ.update(settings | changes)
    try:
        main()
    finally:
        os.environ.clear()
        os.environ.update(before)
    return root / "processing" / "output" / "tokens"


def write_hyperparameters(root: Path, **changes: str) -> None:
    """The file in which a training container finds its hyperparameters."""
    config = root / "input" / "config"
    config.mkdir(parents=True, exist_ok=True)
    (config / "hyperparameters.json").write_text(json.dumps(HYPERPARAMETERS | changes), encoding="utf-8")
