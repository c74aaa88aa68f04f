"""What is published before a run: a corpus and a base model, each a content-hashed folder with a manifest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from steps.contract.files import FileEntry, Report


class CorpusSource(Report):
    """One source of a corpus: one file, or for Moses one per language in `CorpusManifest.languages` order.

    Files may be compressed with gzip or Zstandard, whatever their name.
    """

    name: str
    licence: str
    format: Literal["tsv", "moses", "jsonl", "tmx", "parquet"]
    paths: list[str]
    lines: int = Field(ge=1, description="Pairs in the source, header not counted")


class CorpusManifest(Report):
    """What a published corpus holds. Paths are relative to the folder of the manifest."""

    kind: Literal["corpus"] = "corpus"
    name: str
    languages: list[str] = Field(min_length=2, max_length=2)
    sources: list[CorpusSource] = Field(min_length=1)
    files: list[FileEntry]
    pairs: int = Field(ge=1)
    words: dict[str, int] = Field(description="White-space separated words per language, for estimates")
    benchmarks: list[CorpusSource] = Field(
        default_factory=list, description="Evaluation sets of others, kept out of every split"
    )
    fingerprint: str = Field(description="sha256 over the files' sums and what is said of them; also the folder's name")


class ModelShape(Report):
    """Dimensions of a decoder model, from its config.json: what memory and arithmetic depend on."""

    layers: int = Field(ge=1)
    hidden: int = Field(ge=1, description="Width of the residual stream")
    intermediate: int = Field(ge=1, description="Width inside the MLP")
    heads: int = Field(ge=1)
    kv_heads: int = Field(ge=1)
    head: int = Field(ge=1, description="Width of one head")
    vocabulary: int = Field(ge=1, description="Rows of the embedding")
    tied: bool = Field(description="Whether the output layer is the embedding itself")

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> ModelShape:
        """From the values of a config.json in the names of Llama and Mistral. Raises KeyError for one that is not there."""
        heads = config["num_attention_heads"]
        return cls(
            layers=config["num_hidden_layers"],
            hidden=config["hidden_size"],
            intermediate=config["intermediate_size"],
            heads=heads,
            kv_heads=config.get("num_key_value_heads") or heads,
            head=config.get("head_dim") or config["hidden_size"] // heads,
            vocabulary=config["vocab_size"],
            tied=bool(config.get("tie_word_embeddings", False)),
        )


class BaseModelManifest(Report):
    """What a staged base model holds. `revision` is a commit, a folder's digest or a builder's version."""

    kind: Literal["base-model"] = "base-model"
    name: str
    revision: str
    licence: str
    architecture: str
    parameters: int = Field(ge=1, description="Number of weights")
    vocabulary: int = Field(ge=1)
    shape: ModelShape
    files: list[FileEntry]
    fingerprint: str
