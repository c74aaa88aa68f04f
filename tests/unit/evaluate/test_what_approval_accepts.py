"""What EvaluateModel writes, registered as the definition registers it, is what approval and the next evaluation accept."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import AsusuError
from pipeline.local.champion import publish_champion, verify_artifact
from pipeline.local.registry import Registry
from pipeline.local.store import Store
from steps import contract
from steps.evaluate.__main__ import main
from steps.evaluate.unpack import MODEL_ARCHIVE

RUN = "s3://asusu-local/runs/abcdefghijkl"


def registered(evaluation: Any, workdir: Path) -> dict[str, Any]:
    """The entry of a version that was just evaluated, its files where the definition has them put."""
    store = Store(workdir / "s3")
    outputs = {name: evaluation.out.parent / name for name in ("evaluation", "bundle")}
    for name, folder in (outputs | {"data-report": evaluation.mounted("data-report")}).items():
        shutil.copytree(folder, store.path(f"{RUN}/{name}"))
    entry = contract.load(evaluation.out / contract.REGISTRY_ENTRY, contract.RegistryEntry)
    reports = {
        "ModelQuality": (f"evaluation/{contract.EVALUATION_REPORT}", "evaluation"),
        "ModelDataQuality": (f"data-report/{contract.DATA_REPORT}", "data_report"),
    }
    return Registry(workdir / "registry").register(
        {
            "ModelPackageGroupName": "asusu-igbo",
            "InferenceSpecification": {"Containers": [{"ModelDataUrl": f"{RUN}/bundle/{MODEL_ARCHIVE}"}]},
            "ModelMetrics": {
                kind: {"Statistics": {"S3Uri": f"{RUN}/{file}", "ContentDigest": entry.digests[digest]}}
                for kind, (file, digest) in reports.items()
            },
            "CustomerMetadataProperties": evaluation.report.registry | {"bundle": entry.digests["bundle"]},
        }
    )


def test_a_version_is_approved_and_the_next_evaluation_is_compared_with_it(evaluation: Any, tmp_path: Path) -> None:
    main()
    workdir = tmp_path / "work"
    package, store = registered(evaluation, workdir), Store(tmp_path / "work" / "s3")
    verify_artifact(package, store)
    registry = Registry(workdir / "registry")
    registry.decide(package["ModelPackageArn"], "Approved", "good", "ada")
    assert publish_champion(registry, "asusu-igbo", store, "asusu-local") == "asusu-igbo/1"

    shutil.rmtree(evaluation.mounted("champion"))
    shutil.copytree(store.path("s3://asusu-local/champion/asusu-igbo"), evaluation.mounted("champion"))
    main()
    assert evaluation.report.champion == "asusu-igbo/1"
    assert evaluation.report.registry["chrf_champion_forward"] == "100.00"

    package["CustomerMetadataProperties"] |= {"chrf_backward": "101.00"}
    with pytest.raises(AsusuError, match=r"says chrf_backward '101\.00', and its evaluation report says"):
        verify_artifact(package, store)
