"""From the step to the decision: what EvaluateModel leaves is what approval accepts, and nothing else is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import AsusuError
from pipeline.local.champion import verify_artifact
from pipeline.local.store import Store
from steps import contract
from steps.evaluate.__main__ import main

BUCKET = "s3://asusu-local"


@pytest.fixture
def registered(evaluation: Any, tmp_path: Path) -> tuple[dict[str, Any], Store]:
    """The entry as the definition makes it of what the step left, and the store with the files that it names."""
    main()
    store = Store(tmp_path / "s3")
    entry = contract.load(evaluation.out / contract.REGISTRY_ENTRY, contract.RegistryEntry)
    places = {
        "evaluation": (f"{BUCKET}/runs/e/evaluation/{contract.EVALUATION_REPORT}", evaluation.out),
        "data_report": (f"{BUCKET}/runs/e/data-report/{contract.DATA_REPORT}", evaluation.mounted("data-report")),
        "bundle": (f"{BUCKET}/runs/e/bundle/{evaluation.bundle.name}", evaluation.bundle.parent),
    }
    for address, folder in places.values():
        store.put(folder / address.rsplit("/", 1)[1], address)
    sources = {
        "ModelQuality": {"S3Uri": places["evaluation"][0], "ContentDigest": entry.digests["evaluation"]},
        "ModelDataQuality": {"S3Uri": places["data_report"][0], "ContentDigest": entry.digests["data_report"]},
    }
    package = {
        "ModelPackageGroupName": "asusu-igbo",
        "ModelPackageVersion": 1,
        "InferenceSpecification": {"Containers": [{"Image": "image", "ModelDataUrl": places["bundle"][0]}]},
        "ModelMetrics": {kind: {"Statistics": source} for kind, source in sources.items()},
        "CustomerMetadataProperties": evaluation.report.registry | {"bundle": entry.digests["bundle"]},
    }
    return package, store


def test_what_the_step_leaves_is_accepted(registered: tuple[dict[str, Any], Store]) -> None:
    verify_artifact(*registered)


def test_a_bundle_that_was_changed_beside_the_adapter_is_not(registered: tuple[dict[str, Any], Store]) -> None:
    package, store = registered
    bundle = store.path(package["InferenceSpecification"]["Containers"][0]["ModelDataUrl"])
    bundle.write_bytes(bundle.read_bytes() + b"\0" * 512)
    with pytest.raises(AsusuError, match="the bundle of asusu-igbo/1 was changed after it was registered"):
        verify_artifact(package, store)
