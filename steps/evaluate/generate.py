"""Translation by batched greedy decoding: the same prompt, limits and stops for every system."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from transformers import GenerationConfig

from steps import job
from steps.evaluate.inputs import HeldOut
from steps.evaluate.kept import Kept
from steps.evaluate.systems import acting_as, systems_of
from steps.prompt import TEMPLATE, Prompter, normalise

ROWS_PER_BATCH = 64
TOKENS_PER_BATCH = 32_768  # a 7B Mistral's cache takes 128 KiB a token: 4 GiB beside 14.5 GiB of weights, of 22 GiB
ANSWER_TOKENS_PER_SOURCE_TOKEN = 3  # Igbo takes about three times English's tokens with an English-centred tokenizer
ANSWER_TOKENS_AT_LEAST = 16

NOTHING_KEPT = Kept(None)

Translations = dict[str, tuple[list[str], list[str]]]  # system -> translations per direction, in test order


@dataclass(frozen=True)
class Translator:
    """A model with its prompts and the tokens that end an answer: EOS, and every token with a line break in it."""

    model: Any
    prompter: Prompter
    stops: frozenset[int]
    padding: int

    @classmethod
    def of(cls, model: Any, prompter: Prompter) -> Translator:
        """A translator; finds the tokens with a line break by decoding the vocabulary once."""
        tokenizer = prompter.tokenizer
        texts = tokenizer.batch_decode([[number] for number in range(len(tokenizer))])
        breaks = {number for number, text in enumerate(texts) if "\n" in text}
        padding = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
        return cls(model, prompter, frozenset(breaks | {tokenizer.eos_token_id}), padding)

    def translate(
        self,
        sentences: Sequence[str],
        direction: int,
        on_batch: Callable[[int], None] = lambda done: None,
        kept: Kept = NOTHING_KEPT,
    ) -> list[str]:
        """Translations in the order of the sentences, those that were kept first. `on_batch` is told how many are done.

        Sentences are sorted by length, so that a batch holds little padding. Each has an answer limit of its own, so
        its translation does not depend on its neighbours. An answer ends at EOS or at the first line break.
        """
        known = [sentence for sentence in sentences if sentence in kept.found]
        new = [sentence for sentence in dict.fromkeys(sentences) if sentence not in kept.found]

        def on_finished(batch: list[int], answers: list[str], done: int) -> None:
            kept.add([new[item] for item in batch], [answers[item] for item in batch])
            on_batch(min(len(sentences), len(known) + done))

        answers = dict(zip(new, self._translate(new, direction, on_finished), strict=True))
        answers |= kept.found
        return [answers[sentence] for sentence in sentences]

    def _translate(
        self, sentences: Sequence[str], direction: int, on_batch: Callable[[list[int], list[str], int], None]
    ) -> list[str]:
        sources = [self.prompter.sentence(sentence) for sentence in sentences]
        prompts = [self.prompter.prompt(source, direction) for source in sources]
        limits = [answer_limit(len(source)) for source in sources]
        answers = [""] * len(sentences)
        done = 0
        for batch in batches([len(prompt) + limit for prompt, limit in zip(prompts, limits, strict=True)]):
            rows = self._generate([prompts[item] for item in batch], max(limits[item] for item in batch))
            for item, row in zip(batch, rows, strict=True):
                answers[item] = self._answer(row[: limits[item]])
            done += len(batch)
            on_batch(batch, answers, done)
        return answers

    def kept(self, weights: str, direction: int) -> Kept:
        """Earlier translations of the system with these weights in one direction."""
        prompter = self.prompter
        limits = f"{ANSWER_TOKENS_PER_SOURCE_TOKEN} {ANSWER_TOKENS_AT_LEAST}"
        return Kept.open(weights, TEMPLATE, *prompter.languages, str(prompter.heads), str(direction), limits)

    @torch.inference_mode()
    def _generate(self, prompts: list[list[int]], new_tokens: int) -> list[list[int]]:
        """Token ids after the prompts. Padding goes on the left, where the attention mask hides it."""
        width = max(map(len, prompts))
        ids = [[self.padding] * (width - len(prompt)) + prompt for prompt in prompts]
        mask = [[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts]
        output = self.model.generate(
            input_ids=torch.tensor(ids, device=self.model.device),
            attention_mask=torch.tensor(mask, device=self.model.device),
            generation_config=GenerationConfig(
                do_sample=False,
                num_beams=1,
                use_cache=True,
                max_new_tokens=new_tokens,
                eos_token_id=sorted(self.stops),
                pad_token_id=self.padding,
            ),
        )
        rows: list[list[int]] = output[:, width:].tolist()
        return rows

    def _answer(self, ids: list[int]) -> str:
        end = next((place for place, token in enumerate(ids) if token in self.stops), len(ids) - 1)
        text = self.prompter.tokenizer.decode(ids[: end + 1], skip_special_tokens=True)
        return normalise(text.split("\n", 1)[0])


def answer_limit(source_tokens: int) -> int:
    """Most tokens an answer may have."""
    return ANSWER_TOKENS_PER_SOURCE_TOKEN * source_tokens + ANSWER_TOKENS_AT_LEAST


def batches(slots: Sequence[int]) -> Iterator[list[int]]:
    """Groups of item numbers, longest first, of at most ROWS_PER_BATCH rows and TOKENS_PER_BATCH slots with padding."""
    order = sorted(range(len(slots)), key=lambda item: (-slots[item], item))
    start = 0
    while start < len(order):
        rows = max(1, min(ROWS_PER_BATCH, TOKENS_PER_BATCH // slots[order[start]]))
        yield order[start : start + rows]
        start += rows


def translate_all(translator: Translator, held_out: HeldOut, weights: Mapping[str, str] | None = None) -> Translations:
    """Both directions of the test split by every system, with progress over all of it.

    `weights` are the sums of the systems' weights; of a system with one, finished sentences are kept where there is room.
    """
    systems = systems_of(translator.model)
    total = 2 * len(systems) * len(held_out)
    translations: Translations = {}
    before = 0
    for system in systems:
        sides = []
        with acting_as(translator.model, system):
            for direction in (0, 1):
                report = partial(_report, before, total, system)
                kept = translator.kept(weights[system], direction) if weights else NOTHING_KEPT
                sides.append(translator.translate(held_out.sources(direction), direction, report, kept))
                before += len(held_out)
        translations[system] = (sides[0], sides[1])
    return translations


def _report(before: int, total: int, system: str, done: int) -> None:
    job.progress(before + done, total, "sentences", system=system)
