"""A training job's folders without text: a random Mistral, and token shards of given lengths by the pipeline's own code.

What runs in them is the real thing: `prepare` of `steps.train.setup`, the real plan, the real Trainer.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from steps import batching, job
from steps.contract import (
    FINGERPRINT,
    MANIFEST,
    PLAN,
    TOKENIZER_FOLDER,
    BaseModelManifest,
    ModelShape,
    TokenFingerprint,
    save,
)
from steps.levers import Levers
from steps.prompt import TEMPLATE, tokenizer_digest
from steps.sums import fingerprint_of, list_files
from steps.tokenize.plan import make_plan
from steps.tokenize.write import TokenisedSplit, write_split
from tests.benchmarks.train_lengths import Lengths

LANGUAGES, NAMES = ("en", "ig"), ("English", "Igbo")
SPECIAL = 4  # <unk> <s> </s> <pad>
MAX_LENGTH = 256  # as the lost run: what is longer is left out
SKEW = 4  # of random token ids: few are frequent, so that there is something to learn
TINY: dict[str, int] = {  # of Mistral-7B's proportions, small enough for one thread of a CPU
    "vocab_size": 512,  # the output layer is 4 % of the arithmetic; with 32,000 pieces it would be 70 %
    "hidden_size": 512,
    "intermediate_size": 1_792,
    "num_hidden_layers": 2,
    "num_attention_heads": 8,
    "num_key_value_heads": 2,
}
FULL: dict[str, int] = {  # Mistral-7B's config.json
    "vocab_size": 32_000,
    "hidden_size": 4_096,
    "intermediate_size": 14_336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
}


@dataclass(frozen=True)
class Setting:
    """How one job trains. `alone`: a batching strategy of one unpadded example a micro-batch, which the recipe has not."""

    name: str
    levers: Levers = field(default_factory=Levers)
    pack_length: int = 1_024
    tokens_per_step: int = 4_096
    targets: str = "attention"
    alone: bool = False
    one_at_a_time: bool = False
    """Micro-batches one after another on a CPU too, where the trainer puts those of a step together."""


def mistral_config(shape: dict[str, int]) -> Any:
    """A configuration of Mistral's architecture."""
    from transformers import MistralConfig

    return MistralConfig(
        **shape, max_position_embeddings=8_192, sliding_window=None, bos_token_id=1, eos_token_id=2, pad_token_id=3
    )


def stage(folder: Path, shape: dict[str, int], *, weights: bool = True) -> Path:
    """Write a staged base model: manifest, tokenizer and, if asked for, random weights. Kept when it is there already."""
    if (folder / MANIFEST).is_file():
        return folder
    config = mistral_config(shape)
    _write_tokenizer(folder / TOKENIZER_FOLDER)
    if weights:
        import torch
        from transformers import MistralForCausalLM

        torch.manual_seed(0)
        MistralForCausalLM(config).save_pretrained(folder / "model")
    files = list_files(folder)
    manifest = BaseModelManifest(
        name="random",
        revision="benchmark",
        licence="Apache-2.0",
        architecture="MistralForCausalLM",
        parameters=1,
        vocabulary=shape["vocab_size"],
        shape=ModelShape.of(config.to_dict()),
        files=files,
        fingerprint=fingerprint_of(files),
    )
    save(folder / MANIFEST, manifest)
    return folder


def _write_tokenizer(folder: Path) -> None:
    """One that cuts the words of the prompt into as many pieces as Mistral's does, and knows nothing else."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    pieces = ["<unk>", "<s>", "</s>", "<pad>", "▁", "\n", "English", "I", "g", "bo", ":"]
    tokenizer = Tokenizer(models.WordLevel({piece: number for number, piece in enumerate(pieces)}, unk_token="<unk>"))
    tokenizer.normalizer = normalizers.Replace("\n", "▁\n")
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("▁|\n|English|I|g|bo|:"), "isolated")
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", bos_token="<s>", eos_token="</s>", pad_token="<pad>"
    ).save_pretrained(folder)


def write_job(root: Path, staged: Path, lengths: Lengths, setting: Setting, *, steps: int, seed: int = 3) -> Path:
    """Lay out a job below `root` that trains on random ids of these lengths for `steps` optimiser steps."""
    from steps.contract import load

    tokens = root / "input" / "data" / "tokens"
    shape = load(staged / MANIFEST, BaseModelManifest).shape
    split = random_split(lengths, shape.vocabulary, seed)
    strategies = {"token-budget": _alone} if setting.alone else {}
    with mock.patch.dict(batching.STRATEGIES, strategies):
        for name in ("train", "validation"):
            written = write_split(tokens / name, split, setting.levers.batching, setting.pack_length, MAX_LENGTH)
    raw = {
        "Levers": setting.levers.text(),
        "LearningRate": "0.0002",
        "LoraRank": "16",
        "LoraTargets": setting.targets,
        "MaxTrainingHours": "672",
        "MaxCostUsd": "100000",
        "Seed": str(seed),
        "TrainingInstanceType": "ml.g5.xlarge",
    }
    planned = {
        "MaxLength": str(MAX_LENGTH),
        "PackLength": str(setting.pack_length),
        "TokensPerStep": str(setting.tokens_per_step),
        "Epochs": "100",
        "MaxSteps": str(steps),
    }
    with mock.patch.dict(os.environ, raw | planned):
        save(tokens / PLAN, make_plan(split, written, shape, setting.levers))
    fingerprint = TokenFingerprint(
        tokenizer_sha256=tokenizer_digest(staged / TOKENIZER_FOLDER),
        template=TEMPLATE,
        languages=list(LANGUAGES),
        names=list(NAMES),
        max_length=MAX_LENGTH,
        pack_length=setting.pack_length,
        batching=setting.levers.batching,
        prepared_sha256="random",
    )
    save(tokens / FINGERPRINT, fingerprint)
    platform = {"mode": "train", "canary_steps": "6", "save_total_limit": "null", "max_runtime_seconds": "432000"}
    job.write_json(root / "input" / "config" / "hyperparameters.json", raw | platform)
    (root / "input" / "data" / "model").symlink_to(staged.resolve())
    (root / "input" / "data" / "resume").mkdir()
    (root / "input" / "data" / "resume" / "none.json").write_text("{}", encoding="utf-8")
    return root


def random_split(lengths: Lengths, vocabulary: int, seed: int) -> TokenisedSplit:
    """Sentences of random token ids, few of them frequent; the examples of at most MAX_LENGTH tokens."""
    rng = np.random.Generator(np.random.PCG64(seed))

    def sentence(length: int) -> list[int]:
        draws = rng.random(length) ** SKEW * (vocabulary - SPECIAL)
        ids: list[int] = (draws.astype(np.int64) + SPECIAL).tolist()
        return ids

    first, second = ([sentence(length) for length in side] for side in (lengths.first, lengths.second))
    examples = {2 * pair + way: length for pair, both in enumerate(example_lengths(lengths)) for way, length in both}
    return TokenisedSplit(first, second, list(examples), list(examples.values()), 2 * len(first) - len(examples))


def example_lengths(lengths: Lengths) -> Iterator[list[tuple[int, int]]]:
    """For each pair the directions that are short enough, and the tokens of the example: prompt, answer and EOS."""
    overhead = [head + middle + 1 for head, middle in zip(lengths.heads, lengths.middles, strict=True)]
    for first, second in zip(lengths.first, lengths.second, strict=True):
        both = [(way, first + second + overhead[way]) for way in (0, 1)]
        yield [(way, length) for way, length in both if length <= MAX_LENGTH]


def fill(lengths: Lengths, setting: Setting) -> float:
    """Share of token slots that hold a real token."""
    tokens = [length for both in example_lengths(lengths) for _, length in both]
    strategy = _alone if setting.alone else batching.STRATEGIES[setting.levers.batching]
    return sum(tokens) / sum(batch.slots for batch in strategy(tokens, setting.pack_length, MAX_LENGTH))


def _alone(lengths: Sequence[int], capacity: int, longest: int) -> list[batching.MicroBatch]:
    return [batching.MicroBatch([[item]], length) for item, length in enumerate(lengths)]


@contextmanager
def at(root: Path) -> Iterator[None]:
    """The job at `root` is this process's, as SAGEMAKER_BASE_DIR would say."""
    with mock.patch.dict(os.environ, {"SAGEMAKER_BASE_DIR": str(root)}):
        yield
