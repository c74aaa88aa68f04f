"""The shared vocabulary of the steps: names of files and folders, and the typed reports that pass between them.

Every report is a pydantic model written as JSON. A step reads what an earlier step wrote through these models only,
so a missing or malformed number is an error where it is read and never a silent default.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from steps.job import Refused, write_json

# Published folders: s3://<bucket>/corpora/<hash>/ and s3://<bucket>/base-models/<hash>/
MANIFEST = "manifest.json"
CORPUS_DATA = "data"
MODEL_FOLDER = "model"
TOKENIZER_FOLDER = "tokenizer"
NONE_OBJECT = "none.json"  # published where "nothing" must be an object, since the service refuses an empty prefix

# Files between steps
PREFLIGHT_REPORT = "preflight.json"
DATA_REPORT = "data-report.json"
DROPPED = "dropped.parquet"
PREPARED = "manifest.json"  # beside the splits
SPLITS = ("train", "validation", "test")  # <split>.parquet, one column per language code, and `id`
FINGERPRINT = "fingerprint.json"
PLAN = "plan.json"
CANARY_REPORT = "canary.json"
TRAINING_REPORT = "training.json"
ADAPTER_FOLDER = "adapter"
ADAPTER_CONFIG = "adapter_config.json"  # peft's names
ADAPTER_WEIGHTS = "adapter_model.safetensors"
SEAL = "seal.json"
EVALUATION_REPORT = "evaluation.json"
SAMPLES = "samples.json"

REGISTRY_KEYS = (  # keys of CustomerMetadataProperties; EvaluateModel writes a ready-made string for each
    "validation_loss",
    "chrf_forward",
    "chrf_backward",
    "chrf_base_forward",
    "chrf_base_backward",
    "training_fraction",
    "training_steps",
    "training_hours",
    "base_model",
    "corpus",
    "gate",
)


class Report(BaseModel):
    """Base of all reports: unknown fields are errors, infinities and NaN are errors."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class FileEntry(Report):
    """One file of a published folder; `path` is relative to the folder."""

    path: str
    bytes: int = Field(ge=0)
    sha256: str


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


class BaseModelManifest(Report):
    """What a staged base model holds. `revision` is a commit, a folder's digest or a builder's version."""

    kind: Literal["base-model"] = "base-model"
    name: str
    revision: str
    licence: str
    architecture: str
    parameters: int = Field(ge=1, description="Number of weights")
    vocabulary: int = Field(ge=1)
    files: list[FileEntry]
    fingerprint: str


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


class TokenFingerprint(Report):
    """What token shards depend on. The trainer refuses shards whose fingerprint is not its own."""

    tokenizer_sha256: str
    template: str
    languages: list[str]
    names: list[str] = Field(description="What prompts call the languages, in their order")
    max_length: int
    pack_length: int
    prepared_sha256: str = Field(description="Over the split files the shards were made from")


class Estimate(Report):
    """Time and cost of a training run, from stated assumptions."""

    tokens: int
    usd_per_hour: float
    tokens_per_second_low: float
    tokens_per_second_high: float
    hours_low: float
    hours_high: float
    usd_low: float
    usd_high: float
    assumptions: str


class TrainingPlan(Report):
    """What TrainLora is going to do. A pack is one row of `pack_length` token slots."""

    examples: int = Field(ge=1, description="Prompt-and-completion examples, both directions")
    too_long: int = Field(description="Examples over MaxLength, left out")
    tokens: int = Field(description="Real tokens in one epoch")
    packs: int = Field(ge=1)
    fill: float = Field(description="Share of token slots that hold a real token")
    packs_per_step: int = Field(ge=1)
    steps_per_epoch: int = Field(ge=1)
    steps: int = Field(ge=1, description="Optimiser steps of the whole run")
    epochs: float
    estimate: Estimate


class PreflightReport(Report):
    """Written when every check passed."""

    parameters: dict[str, str | int | float]
    corpus: str
    corpus_fingerprint: str
    base_model: str
    base_model_fingerprint: str
    estimate: Estimate


class RunIdentity(Report):
    """What a checkpoint must share with a run that continues from it, else its weights mean something else."""

    base_model: str = Field(description="Fingerprint of the staged base model")
    lora_rank: int
    lora_targets: str
    seed: int
    tokens: TokenFingerprint


class Seal(Report):
    """Written last into a checkpoint: a checkpoint without a seal whose sums agree is not one."""

    step: int = Field(ge=0)
    loss: float = Field(description="Training loss of the last step")
    probe_loss: float = Field(description="Loss on one fixed batch, comparable between processes")
    seconds_used: float = Field(description="Training seconds so far, over all restarts")
    identity: RunIdentity
    files: list[FileEntry]


class CanaryReport(Report):
    """What a canary proved."""

    mode: Literal["canary-train", "canary-resume"]
    start_step: int
    end_step: int
    seal_sha256: str = Field(description="Of the seal written at end_step")
    probe_losses: list[float] = Field(description="Fixed-batch loss before the first and after every step")
    tokens_per_second: float
    peak_memory_gib: float
    checkpoint_seconds: float
    projected_hours: float
    projected_usd: float


class LossPoint(Report):
    """One point of the training curve."""

    step: int
    loss: float
    learning_rate: float


class TrainingReport(Report):
    """What TrainLora did, whatever ended it."""

    stop_reason: Literal["finished", "time limit", "signal"]
    steps: int
    planned_steps: int
    fraction: float = Field(ge=0, le=1)
    resumed_from: int = Field(description="Step of the checkpoint this process continued from, 0 for none")
    seconds_used: float
    tokens_per_second: float
    trainable_parameters: int
    train_loss: float
    validation_loss: float | None = Field(description="Over the whole split; None where a signal left no time for it")
    curve: list[LossPoint]
    validation_curve: list[tuple[int, float]]
    checkpoints: list[int]
    fingerprint: TokenFingerprint


class Score(Report):
    """One metric of one system in one direction."""

    value: float
    signature: str


class DirectionScores(Report):
    """Scores of one direction, e.g. `en-ig`, for the trained model and for the base model on the same sentences."""

    direction: str
    sentences: int
    chrf: Score
    bleu: Score
    base_chrf: Score
    base_bleu: Score


class RuleVerdict(Report):
    """One decided rule of the gate."""

    rule: str
    passed: bool
    value: float
    limit: float
    sentence: str


class GateVerdict(Report):
    """The evaluation's overall verdict; strings are ready for the Condition, the Fail message and the registry."""

    verdict: Literal["passed", "refused"]
    message: str = Field(max_length=1000)
    rules: list[RuleVerdict]


class Sample(Report):
    """One held-out sentence with its reference and the translations of both systems."""

    direction: str
    source: str
    reference: str
    hypothesis: str
    base_hypothesis: str
    chrf: float


class SampleSet(Report):
    """samples.json: translations of held-out sentences, in an order drawn by hash and never by score.

    The first n samples are therefore a fair draw of n; the worst of the whole test set are kept too, at their places.
    """

    total: int = Field(description="Translations of the whole test set, both directions")
    samples: list[Sample] = Field(max_length=500)
    showcase: list[Sample] = Field(max_length=5, description="The first five of the order, for a terminal")


class EvaluationReport(Report):
    """The property file: `metrics.validation_loss.value` and `gate.verdict` are what the Condition reads."""

    metrics: dict[str, dict[str, float]]
    directions: list[DirectionScores]
    champion: str = Field(description="What was compared with, or 'none'")
    gate: GateVerdict
    registry: dict[str, str] = Field(description="Ready-made strings for CustomerMetadataProperties")


AnyReport = TypeVar("AnyReport", bound=Report)


def save(path: Path, report: Report) -> None:
    """Write a report as JSON, atomically."""
    write_json(path, report.model_dump(mode="json"))


def load(path: Path, kind: type[AnyReport]) -> AnyReport:
    """Read a report. Raises Refused naming the file and every field that is wrong."""
    try:
        return kind.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Refused(
            f"cannot read {path.name}: {error.strerror or error}. An earlier step should have written it."
        ) from error
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise Refused(f"{path.name} is not a valid {kind.__name__}: {problems}") from error
