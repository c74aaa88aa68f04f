"""Runs in an environment of its own, with mistral-common: counts the tokens of sentences by Mistral's first tokenizer.

    python train_tokenise.py < sentences.json > counts.json

Reads a JSON list of texts and writes a JSON list of numbers, without BOS and EOS.
"""

from __future__ import annotations

import json
import sys
from importlib.resources import files


def main() -> None:
    """Texts from standard input, counts to standard output."""
    import sentencepiece

    model = files("mistral_common") / "data" / "tokenizer.model.v1"
    tokenizer = sentencepiece.SentencePieceProcessor(model_proto=model.read_bytes())
    json.dump([len(ids) for ids in tokenizer.encode(json.load(sys.stdin))], sys.stdout)


if __name__ == "__main__":
    main()
