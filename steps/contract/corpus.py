"""Reports of PrepareCorpus."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from steps.contract.files import FileEntry, Report
from steps.contract.published import CorpusSource


class Example(Report):
    """A row to look at: its id, both repaired texts, shortened, and what the rule found."""

    row: int
    id: str
    left: str
    right: str
    value: str | None = None


class RuleCount(Report):
    """How many rows one preparation rule dropped; the first five, and five drawn by a hash of the row."""

    rule: str
    reason: str
    on: bool
    dropped: int = Field(ge=0)
    share: float = Field(ge=0, le=1, description="Of all rows in")
    first: list[Example] = Field(max_length=5)
    drawn: list[Example] = Field(max_length=5)


class Histogram(Report):
    """Counts of values in bins [edges[i], edges[i+1]); the last bin holds everything from its edge on."""

    edges: list[float]
    counts: list[int]


class ShardReport(Report):
    """What the shard function counted. Everything adds up over shards, so that any cut gives the same totals."""

    source: str
    first_row: int
    rows_in: int
    rows_kept: int
    repaired: dict[str, int] = Field(description="Rows changed per repair, e.g. nfc")
    dropped: dict[str, int] = Field(description="Rows per local rule")
    first: dict[str, list[Example]] = Field(description="Per rule, the first five dropped")
    drawn: dict[str, list[Example]] = Field(description="Per rule, the five with the smallest hash of the row")
    lengths: dict[str, Histogram] = Field(description="Characters of kept rows, by language code")
    ratio: Histogram = Field(description="Length of target over source, kept rows")
    identified: dict[str, dict[str, int]] = Field(description="Rows asked, by language code and what it was called")
    swapped: int = Field(description="Rows whose source was called the target language, and the other way round")
    benchmarks: dict[str, int] = Field(description="Rows dropped per benchmark")
    signals: dict[str, int] = Field(description="Kept rows per signal, e.g. numbers-differ; nothing is dropped for it")


class Leaks(Report):
    """What a recount from the written files found in two splits at once, over both languages. All must be 0."""

    equal: int = Field(description="Sentences with an equal key")
    near: int = Field(description="Verified near-copies")

    @property
    def total(self) -> int:
        """All of them."""
        return self.equal + self.near


class TokenEstimate(Report):
    """Tokens of the training split, from a sample drawn by hash and the tokenizer that training will use."""

    sampled: int
    tokens_per_pair: float
    tokens_per_word: dict[str, float]
    tokens: int = Field(description="Both directions, prompts included")


class DataReport(Report):
    """Rows in, rows dropped per rule, rows out: `rows_in - sum(dropped) == rows_out == sum(splits)`."""

    corpus: str
    corpus_fingerprint: str
    languages: list[str]
    sources: list[CorpusSource]
    rows_in: int
    repaired: dict[str, int] = Field(description="Rows changed per repair, e.g. nfc")
    rules: list[RuleCount]
    rows_out: int
    splits: dict[str, int]
    components: int = Field(description="Groups of equal or near-equal sentences; a group never crosses a split")
    largest_components: list[int] = Field(max_length=10)
    duplicate_clusters: dict[str, int] = Field(description="Clusters of equal pairs by size: 2, 3, 4-9, 10-99, 100+")
    leaks: Leaks
    lengths: dict[str, Histogram]
    ratio: Histogram
    identified: dict[str, dict[str, int]]
    benchmarks: dict[str, int]
    signals: dict[str, int]
    tokens: TokenEstimate | None = Field(description="None where no tokenizer was given")
    warnings: list[str]
    options: dict[str, Any] = Field(description="The PrepareOptions that were in force")
    seed: int

    @property
    def largest_component(self) -> int:
        """Rows of the largest group."""
        return max(self.largest_components, default=0)


class PreparedManifest(Report):
    """Written last beside the splits: what was read, how, and what was written. Equal inputs give equal bytes."""

    kind: Literal["prepared-corpus"] = "prepared-corpus"
    corpus_fingerprint: str
    inputs: list[FileEntry]
    options: dict[str, Any]
    languages: list[str]
    seed: int
    code: str = Field(description="Version of the package and sha256 over the preparation's own source files")
    counts: dict[str, int]
    files: list[FileEntry]
