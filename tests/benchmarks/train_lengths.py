"""Lengths of real sentences in tokens, as integers: what benchmarks of training take for data.

    python -m tests.benchmarks.train_lengths

writes `train-lengths.json` from the real sample beside this checkout, or from the bundled phrasebook where there is none,
with the tokenizer that mistral-common ships. Where that cannot be installed, a byte-pair tokenizer is trained on the sentences
instead, and the file says so. No text is kept, so benchmarks need neither the sample nor a network.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from steps.languages import language
from steps.prompt import normalise
from tests.benchmarks.contestants.environments import environment
from tests.benchmarks.vocabulary import CODES, ROOT, find_sample, read_sentences

FILE = Path(__file__).with_name("train-lengths.json")
MISTRAL = ("--no-deps", "mistral-common==1.13.1", "sentencepiece==0.2.3")
BYTE_PAIRS = 32_000
REVIEWS = "nollysenti"  # of the sample's sources the one with whole sentences; others are questions and terms


@dataclass(frozen=True)
class Lengths:
    """Tokens of both sides of every pair; and of what a prompt puts before and between them, by direction."""

    origin: str
    tokenizer: str
    heads: tuple[int, int]
    middles: tuple[int, int]
    first: list[int]
    second: list[int]

    def thinned(self, pairs: int) -> Lengths:
        """So many pairs whose lengths are spread as all are: every n-th by length of the pair."""
        count = len(self.first)
        order = sorted(range(count), key=lambda pair: (self.first[pair] + self.second[pair], pair))
        taken = sorted(order[(2 * number + 1) * count // (2 * pairs)] for number in range(min(pairs, count)))
        first, second = ([side[pair] for pair in taken] for side in (self.first, self.second))
        return replace(self, first=first, second=second)


def read_lengths(source: str = REVIEWS, path: Path = FILE) -> Lengths:
    """The lengths that come with the benchmarks, of one source of the sample, or of `all`. Raises KeyError for another."""
    found = json.loads(path.read_text(encoding="utf-8"))
    sources = list(found["sources"]) if source == "all" else [source]
    first, second = ([length for name in sources for length in found["sources"][name][side]] for side in (0, 1))
    return Lengths(
        f"{len(first):,} pairs of {found['origin']}{'' if source == 'all' else f', {source}'}",
        found["tokenizer"],
        tuple(found["heads"]),
        tuple(found["middles"]),
        first,
        second,
    )


def count_tokens(environments: Path) -> dict[str, object]:
    """Count the tokens of every sentence and of the prompt's own words: what the file holds."""
    sample = find_sample()
    english, igbo = read_sentences(sample)
    names = [f"{language(code).name}:" for code in CODES]
    texts = [normalise(text) for text in (*english, *igbo)] + names + [f"\n{name}" for name in names]
    try:
        counts, tokenizer = _mistral(texts, environments), "Mistral's v1, 32,000 pieces, of mistral-common 1.13.1"
    except (OSError, subprocess.CalledProcessError) as error:
        sys.stderr.write(f"Mistral's tokenizer is not to be had ({error}); a byte-pair tokenizer stands in for it\n")
        counts, tokenizer = _byte_pairs(texts), f"byte pairs trained on the sentences, up to {BYTE_PAIRS:,} pieces"
    *sides, head_first, head_second, middle_first, middle_second = counts
    sources: dict[str, tuple[list[int], list[int]]] = {}
    for row, name in enumerate(_sources(sample, len(english))):
        first, second = sources.setdefault(name, ([], []))
        first.append(sides[row])
        second.append(sides[len(english) + row])
    return {
        "origin": "the bundled phrasebook" if sample is None else sample.name,
        "tokenizer": tokenizer,
        "heads": (1 + head_first, 1 + head_second),  # with BOS
        "middles": (middle_second, middle_first),
        "sources": sources,
    }


def _sources(sample: Path | None, rows: int) -> list[str]:
    """Where each pair is from."""
    if sample is None:
        return [REVIEWS] * rows
    header, *lines = sample.read_text(encoding="utf-8").rstrip("\n").split("\n")
    place = header.split("\t").index("source")
    return [line.split("\t")[place] for line in lines]


def _mistral(texts: Sequence[str], environments: Path) -> list[int]:
    program = environment(environments / "mistral-tokenizer", MISTRAL) / "python"
    script = Path(__file__).with_name("train_tokenise.py")
    done = subprocess.run(
        [str(program), str(script)], input=json.dumps(texts), capture_output=True, text=True, check=True
    )
    return cast(list[int], json.loads(done.stdout))


def _byte_pairs(texts: Sequence[str]) -> list[int]:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=BYTE_PAIRS, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return [len(encoding.ids) for encoding in tokenizer.encode_batch(list(texts))]


def main() -> None:
    """Write the file and say what is in it."""
    FILE.write_text(
        json.dumps(count_tokens(ROOT / "build" / "benchmarks" / "environments"), separators=(",", ":")) + "\n",
        encoding="utf-8",
    )
    sources = json.loads(FILE.read_text(encoding="utf-8"))["sources"]
    for name in ("all", *sources):
        lengths = read_lengths(name)
        pairs = len(lengths.first)
        sys.stdout.write(
            f"{lengths.origin}: {sum(lengths.first) / pairs:.1f} and {sum(lengths.second) / pairs:.1f} tokens a sentence\n"
        )
    sys.stdout.write(f"prompt {lengths.heads} + {lengths.middles}; {lengths.tokenizer}\n")


if __name__ == "__main__":
    main()
