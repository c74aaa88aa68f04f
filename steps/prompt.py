"""The one prompt, shared by tokenising, training and evaluation.

    English: I am eating yam.
    Igbo: Ana m eri ji.

An example is BOS, the prompt (up to and with the second colon), the answer, EOS; only answer and EOS carry loss. A sentence's
ids do not depend on its side, so each sentence is tokenised and stored once and both directions are put together from it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

from steps.job import Refused
from steps.languages import language
from steps.sums import fingerprint_of, list_files

TEMPLATE = "{source_name}: {source}\n{target_name}: {target}"


class Tokenizer(Protocol):
    """The part of a transformers tokenizer that is used here."""

    bos_token_id: int | None
    eos_token_id: int | None
    pad_token_id: int | None
    unk_token_id: int | None

    def encode(self, text: str, add_special_tokens: bool = ...) -> list[int]: ...
    def convert_ids_to_tokens(self, ids: list[int]) -> list[str]: ...
    def decode(self, ids: Sequence[int], skip_special_tokens: bool = ...) -> str: ...


def normalise(text: str) -> str:
    """NFC, white space collapsed: the form of every sentence that is trained on, prompted with or scored."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def load_tokenizer(folder: Path) -> Tokenizer:
    """A tokenizer from a local folder, never from a hub. Raises Refused without BOS or EOS, since training needs both."""
    from transformers import AutoTokenizer

    try:
        tokenizer = cast(Tokenizer, AutoTokenizer.from_pretrained(folder, local_files_only=True))
    except (OSError, ValueError) as error:
        raise Refused(f"no usable tokenizer in {folder.name}/: {error}") from error
    if tokenizer.bos_token_id is None or tokenizer.eos_token_id is None:
        raise Refused("the tokenizer has no BOS or no EOS token; a model trained without EOS never stops")
    return tokenizer


def tokenizer_digest(folder: Path) -> str:
    """One sum over the bytes of all tokenizer files."""
    return fingerprint_of(list_files(folder))


@dataclass(frozen=True)
class Prompter:
    """Puts examples together from sentence ids. Direction 0 is first language to second, 1 is back."""

    tokenizer: Any
    languages: tuple[str, str]
    heads: tuple[list[int], list[int]]
    middles: tuple[list[int], list[int]]
    space: str

    @classmethod
    def of(cls, tokenizer: Any, languages: Sequence[str], names: Sequence[str] = ()) -> Prompter:
        """A prompter for two language codes, called by `names`, or else as `steps.languages` does."""
        first, second = languages
        names = names or [language(code).name for code in (first, second)]

        def encode(text: str) -> list[int]:
            return cast(list[int], tokenizer.encode(text, add_special_tokens=False))

        # SentencePiece tokenizers put a space before any text by themselves; byte-level ones do not.
        adds_space = tokenizer.convert_ids_to_tokens(encode("a"))[0].startswith("▁")
        heads = [[tokenizer.bos_token_id, *encode(f"{name}:")] for name in names]
        middles = [encode(f"\n{name}:") for name in reversed(names)]
        return cls(
            tokenizer, (first, second), (heads[0], heads[1]), (middles[0], middles[1]), "" if adds_space else " "
        )

    @property
    def directions(self) -> tuple[str, str]:
        """Names of the two directions, e.g. `en-ig` and `ig-en`."""
        first, second = self.languages
        return f"{first}-{second}", f"{second}-{first}"

    def sentence(self, text: str) -> list[int]:
        """Ids of one sentence, on either side."""
        return cast(list[int], self.tokenizer.encode(self.space + normalise(text), add_special_tokens=False))

    def prompt(self, source: Sequence[int], direction: int) -> list[int]:
        """Ids of everything before the answer."""
        return [*self.heads[direction], *source, *self.middles[direction]]

    def example(self, source: Sequence[int], target: Sequence[int], direction: int) -> tuple[list[int], int]:
        """Ids of a whole example and the length of its prompt."""
        prompt = self.prompt(source, direction)
        return [*prompt, *target, self.tokenizer.eos_token_id], len(prompt)

    def overhead(self, direction: int) -> int:
        """Tokens of an example beyond its two sentences."""
        return len(self.heads[direction]) + len(self.middles[direction]) + 1
