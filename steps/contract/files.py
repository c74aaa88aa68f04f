"""Names of the files and folders that pass between steps, and how a report is written and read."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

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
BENCHMARKS = "benchmarks"  # beside the splits: <name>.parquet of each evaluation set that was kept out of them
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
REGISTRY_ENTRY = "registry-entry.json"  # written last: it holds the report's sum
CHAMPION = "champion.json"  # beside adapter/ in the champion's folder

GATE_RULES = (  # the last two are decided only where there is a champion to compare with
    "validation_loss",
    "better_than_base_forward",
    "better_than_base_backward",
    "few_broken_forward",
    "few_broken_backward",
    "adapter_trained",
    "training_fraction",
    "not_worse_than_champion_forward",
    "not_worse_than_champion_backward",
)

REGISTRY_KEYS = (  # keys of CustomerMetadataProperties, at most 50; EvaluateModel writes a ready-made string for each
    "validation_loss",
    "validation_loss_forward",
    "validation_loss_backward",
    "chrf_forward",
    "chrf_backward",
    "chrf_base_forward",
    "chrf_base_backward",
    "chrf_champion_forward",
    "chrf_champion_backward",
    "bleu_forward",
    "bleu_backward",
    "broken_forward",
    "broken_backward",
    "training_fraction",
    "training_steps",
    "training_hours",
    "training_usd",
    "training_price",
    "base_model",
    "corpus",
    "prepared",
    "code",
    "definition",
    "gate",
    "adapter",
    "adapter_config",
    "test_set",
    "champion",
    *(f"gate_{rule}" for rule in GATE_RULES),
)


class Report(BaseModel):
    """Base of all reports: unknown fields are errors, infinities and NaN are errors."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class FileEntry(Report):
    """One file of a published folder; `path` is relative to the folder."""

    path: str
    bytes: int = Field(ge=0)
    sha256: str


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
    except UnicodeDecodeError as error:
        raise Refused(f"{path.name} is damaged, it is not UTF-8 text: {error.reason} at byte {error.start}") from error
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise Refused(f"{path.name} is not a valid {kind.__name__}: {problems}") from error
