"""Rate of greedy generation, by rows at once: what the evaluation's translations take."""

from __future__ import annotations

import time

import numpy as np
import torch

from steps.contract import TOKENIZER_FOLDER
from steps.evaluate.generate import Translator
from steps.prompt import Prompter, load_tokenizer
from tests.benchmarks.gpu_model import RandomBase
from tests.benchmarks.gpu_place import Place, Row
from tests.benchmarks.train_job import LANGUAGES, NAMES, SPECIAL

ROWS = (1, 32, 64)
NEW_TOKENS = 64


def measure_generate(place: Place) -> None:
    """New tokens a second at 1, 32 and 64 rows, prompts in the lengths of real sentences; the first batch warms up."""
    model, _ = RandomBase(place.shape)(place.staged)
    prompter = Prompter.of(load_tokenizer(place.staged / TOKENIZER_FOLDER), LANGUAGES, NAMES)
    nothing_ends = frozenset[int]([place.shape["vocab_size"] - 1])  # random weights do not know when to stop
    translator = Translator(model.eval(), prompter, nothing_ends, 3)
    for rows in ROWS[:2] if place.tiny else ROWS:
        if place.has_time():
            place.attempt(f"{rows} rows", lambda rows=rows: _rate(translator, place, rows), rows=rows)  # type: ignore[misc]


def _rate(translator: Translator, place: Place, rows: int) -> Row:
    rng = np.random.Generator(np.random.PCG64(rows))
    new = 4 if place.tiny else NEW_TOKENS
    sources = sorted(place.lengths.first)
    middle = len(sources) // 2  # lengths near the median: the evaluation sorts by length, so a batch has little padding
    taken = [sources[(middle + row) % len(sources)] for row in range(rows)]
    prompts = [
        translator.prompter.prompt(rng.integers(SPECIAL, place.shape["vocab_size"] - 1, length).tolist(), 0)
        for length in taken
    ]
    seconds, made = [], 0
    for _ in range(2):
        _wait()
        started = time.monotonic()
        answers = translator._generate(prompts, new)
        _wait()
        seconds.append(time.monotonic() - started)
        made = sum(map(len, answers))
    return {
        "new_tokens": made,
        "seconds": seconds[-1],
        "tokens_per_second": made / seconds[-1],
        "prompt_tokens": sum(map(len, prompts)),
    }


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def generate_table(rows: list[Row]) -> str:
    """Rates in Markdown."""
    lines = ["| rows at once | new tokens/s | seconds |", "|--:|--:|--:|"]
    for row in rows:
        if "failed" in row:
            lines.append(f"| {row['rows']} | {row['failed']} | |")
        else:
            lines.append(f"| {row['rows']} | {row['tokens_per_second']:,.0f} | {row['seconds']:.2f} |")
    return "\n".join(lines) + "\n"
