"""Versions as a run leaves them, without a run: an adapter of one number, its bundle, the reports, and what the entry says."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from pipeline.local.archive import write_archive
from steps.contract import (
    ADAPTER_CONFIG,
    ADAPTER_FOLDER,
    ADAPTER_WEIGHTS,
    DATA_REPORT,
    EVALUATION_REPORT,
    REGISTRY_KEYS,
    EvaluationReport,
    save,
)
from steps.evaluate.unpack import MODEL_ARCHIVE
from steps.sums import sha256_file
from tests.unit.review.conftest import data_report, evaluation

BASE = "b" * 64  # fingerprint of the base model


@dataclass(frozen=True)
class Made:
    """The files of a version in a folder, and the texts of its entry."""

    archive: Path
    evaluation: Path
    data: Path
    metadata: dict[str, str]

    def metrics(self, evaluation: str, data: str) -> dict[str, Any]:
        """ModelMetrics of the entry, for reports that lie at these addresses."""
        places = {"ModelQuality": (evaluation, self.evaluation), "ModelDataQuality": (data, self.data)}
        return {
            kind: {
                "Statistics": {
                    "ContentType": "application/json",
                    "S3Uri": address,
                    "ContentDigest": f"sha256:{sha256_file(file)}",
                }
            }
            for kind, (address, file) in places.items()
        }


def make(folder: Path, value: float, report: EvaluationReport | None = None) -> Made:
    """A version whose adapter holds one number; `report`, by default one that passed, gets the strings of the entry."""
    adapter = folder / "model" / ADAPTER_FOLDER
    adapter.mkdir(parents=True)
    save_file({"lora_B": torch.full((2, 2), value)}, adapter / ADAPTER_WEIGHTS)
    (adapter / ADAPTER_CONFIG).write_text(json.dumps({"base_model_name_or_path": "tiny", "lora_alpha": 16}))
    write_archive(folder / "model", folder / MODEL_ARCHIVE)
    said = dict.fromkeys(REGISTRY_KEYS, "as measured") | {
        "adapter": sha256_file(adapter / ADAPTER_WEIGHTS),
        "adapter_config": sha256_file(adapter / ADAPTER_CONFIG),
        "base_model": f"tiny 1 sha256:{BASE}",
        "chrf_forward": "61.20",
    }
    save(folder / EVALUATION_REPORT, (report or evaluation()).model_copy(update={"registry": said}))
    save(folder / DATA_REPORT, data_report())
    return Made(
        folder / MODEL_ARCHIVE,
        folder / EVALUATION_REPORT,
        folder / DATA_REPORT,
        said | {"bundle": f"sha256:{sha256_file(folder / MODEL_ARCHIVE)}"},
    )
