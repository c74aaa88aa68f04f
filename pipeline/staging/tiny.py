"""Builds the tiny base model: a Mistral of about a million weights and its tokenizer, pre-trained briefly on this machine.

It reads monolingual phrasebook text only, no sentence of which occurs in the bundled corpus and none of which is another's
translation. So it knows the words of both languages and how to say again what it has read, and cannot translate.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from pipeline.staging import phrasebook
from steps.languages import language
from steps.prompt import TEMPLATE

if TYPE_CHECKING:
    import torch

STEPS = 300
ROW = 256  # tokens of a packed row
ROWS_PER_STEP = 16
LEARNING_RATE = 3e-3
WARM_UP = 0.05  # share of the steps
SPECIAL = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}
VOCABULARY = 1000
SHAPE = {
    "hidden_size": 128,
    "intermediate_size": 384,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "max_position_embeddings": 512,
}
CARD = "---\nlicense: apache-2.0\n---\nBuilt and pre-trained on this machine by `asusu stage-base-model tiny`.\n"


@dataclass(frozen=True)
class Recipe:
    """What decides the weights, apart from the versions of the libraries."""

    seed: int = 17
    steps: int = STEPS

    @property
    def revision(self) -> str:
        """Names the builder's code and the text it reads, so that a change of either builds anew."""
        sources = [Path(__file__), *sorted(Path(phrasebook.__file__).parent.glob("*.py"))]
        digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
        return f"{digest[:16]}-seed{self.seed}-steps{self.steps}"


def build(folder: Path, recipe: Recipe, report: Callable[[int, int, str], None]) -> None:
    """Write model, tokenizer and card in Hugging Face layout. The same recipe gives the same bytes on one machine."""
    import torch
    from transformers import MistralConfig, MistralForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()  # `report` is the one that shows
    texts = documents(recipe.seed)
    tokenizer = train_tokenizer(texts)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        config = MistralConfig(
            vocab_size=len(tokenizer),
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            sliding_window=None,
            tie_word_embeddings=False,
            **SHAPE,
        )
        model = MistralForCausalLM(config)
        pretrain(model, pack(tokenizer, texts), recipe, report)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / "README.md").write_text(CARD, encoding="utf-8")


def documents(seed: int) -> list[str]:
    """Sentences as the model reads them: each said twice, under the name of its one language, in random order."""
    excluded = [text for row in phrasebook.corpus() for text in (row.en, row.ig)]
    sides = zip(phrasebook.LANGUAGES, phrasebook.monolingual(seed, excluded), strict=True)
    texts = [
        TEMPLATE.format(source_name=language(code).name, source=text, target_name=language(code).name, target=text)
        for code, sentences in sides
        for text in sentences
    ]
    Random(seed).shuffle(texts)  # noqa: S311
    return texts


def train_tokenizer(texts: list[str]) -> Any:
    """A byte-level BPE tokenizer that composes (NFC) what it reads, with four distinct special tokens."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE(unk_token=SPECIAL["unk_token"]))
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=list(SPECIAL.values()),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=512, **SPECIAL)


def pack(tokenizer: Any, texts: list[str]) -> dict[str, torch.Tensor]:
    """Documents as BOS, text, EOS in rows of ROW tokens, laid out as training does: positions restart at each document."""
    import torch

    from steps.batching import pack_best_fit
    from steps.shards import assemble

    sequences = [
        [tokenizer.bos_token_id, *ids, tokenizer.eos_token_id]
        for ids in tokenizer(texts, add_special_tokens=False)["input_ids"]
    ]
    packs = [
        assemble([(sequences[number], 1) for number in row], ROW, tokenizer.pad_token_id)
        for row in pack_best_fit([len(ids) for ids in sequences], ROW)
    ]
    return {
        "input_ids": torch.stack([torch.from_numpy(row.input_ids) for row in packs]),
        "labels": torch.stack([torch.from_numpy(row.labels) for row in packs]),
        "position_ids": torch.stack([torch.from_numpy(row.position_ids) for row in packs]),
    }


def pretrain(
    model: Any, rows: dict[str, torch.Tensor], recipe: Recipe, report: Callable[[int, int, str], None]
) -> None:
    """Next-token training on random rows with AdamW and a cosine schedule."""
    import torch

    optimiser = torch.optim.AdamW(model.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.99), weight_decay=0.1)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: share_of_rate(step, recipe.steps))
    order = shuffled_rows(len(rows["input_ids"]), Random(recipe.seed))  # noqa: S311
    model.train()
    for step in range(1, recipe.steps + 1):
        chosen = [next(order) for _ in range(ROWS_PER_STEP)]
        optimiser.zero_grad()
        model(**{name: column[chosen] for name, column in rows.items()}, use_cache=False).loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        schedule.step()
        report(step, recipe.steps, "steps")
    model.eval()


def share_of_rate(step: int, steps: int) -> float:
    """Share of the peak learning rate: linear up, then a cosine to zero."""
    warm_up = max(1, round(WARM_UP * steps))
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up)))


def shuffled_rows(count: int, rng: Random) -> Iterator[int]:
    """Row numbers without end, every row once before any comes again."""
    while True:
        yield from rng.sample(range(count), count)
