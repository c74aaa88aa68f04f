from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.errors import BadInput
from pipeline.local.registry import Registry

REQUEST: dict[str, Any] = {
    "ModelPackageGroupName": "asusu-igbo",
    "ModelPackageDescription": "LoRA adapter",
    "ModelApprovalStatus": "PendingManualApproval",
    "InferenceSpecification": {"Containers": [{"Image": "image", "ModelDataUrl": "s3://bucket/model.tar.gz"}]},
    "ModelMetrics": {"ModelQuality": {"Statistics": {"ContentType": "application/json", "S3Uri": "s3://bucket/e"}}},
    "CustomerMetadataProperties": {"validation_loss": "0.61", "corpus": "phrasebook: ọ, s3://x/y=z".replace(",", "")},
    "Tags": [{"Key": "project", "Value": "asusu"}],
}


CARD = {
    "model_overview": {"model_creator": "asusu", "model_artifact": []},
    "intended_uses": {
        "purpose_of_model": "p",
        "intended_uses": "i",
        "factors_affecting_model_efficiency": "f",
        "risk_rating": "Unknown",
        "explanations_for_risk_rating": "e",
    },
    "training_details": {
        "training_observations": "o",
        "training_job_details": {"training_datasets": [], "user_provided_training_metrics": []},
    },
    "evaluation_details": [],
    "additional_information": {"caveats_and_recommendations": "c", "custom_details": {}},
}


def card(content: str, status: str = "PendingReview") -> dict[str, Any]:
    return {"ModelCard": {"ModelCardContent": content, "ModelCardStatus": status}}


def digest(text: str) -> dict[str, Any]:
    source = {"ContentType": "application/json", "S3Uri": "s3://bucket/e", "ContentDigest": text}
    return {"ModelMetrics": {"ModelQuality": {"Statistics": source}, "Bias": {}}}


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path / "registry")


def test_a_package_is_described_as_the_service_does(registry: Registry) -> None:
    package = registry.register(REQUEST)
    assert package["ModelPackageVersion"] == 1
    assert package["ModelPackageArn"].endswith(":model-package/asusu-igbo/1")
    assert package["ModelPackageStatus"] == "Completed"
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    for name in ("ModelPackageDescription", "InferenceSpecification", "ModelMetrics", "CustomerMetadataProperties"):
        assert package[name] == REQUEST[name]
    assert "Tags" not in package
    assert registry.package(package["ModelPackageArn"]) == package


def test_a_card_and_a_sum_are_kept_as_they_were_given(registry: Registry) -> None:
    given = card(json.dumps(CARD)) | digest("sha256:" + "0a" * 32)
    package = registry.register({**REQUEST, **given})
    assert (package["ModelCard"], package["ModelMetrics"]) == (given["ModelCard"], given["ModelMetrics"])


def test_versions_count_up_in_each_group(registry: Registry) -> None:
    for _ in range(11):
        registry.register(REQUEST)
    registry.register({**REQUEST, "ModelPackageGroupName": "other"})
    assert [package["ModelPackageVersion"] for package in registry.packages("asusu-igbo")] == list(range(1, 12))
    assert registry.groups() == ["asusu-igbo", "other"]
    assert registry.packages("nothing") == []


def test_a_version_that_does_not_exist_is_none(registry: Registry) -> None:
    assert registry.package("arn:aws:sagemaker:local:000000000000:model-package/asusu-igbo/7") is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"ModelPackageGroupName": "under_score"}, "ModelPackageGroupName"),
        ({"ModelPackageGroupName": "../up"}, "ModelPackageGroupName"),
        ({"ModelApprovalStatus": "Maybe"}, "ModelApprovalStatus"),
        ({"ModelPackageDescription": "x" * 1025}, "ModelPackageDescription"),
        ({"ModelPackageDescription": "two\nlines"}, "ModelPackageDescription"),
        ({"CustomerMetadataProperties": {str(n): "x" for n in range(51)}}, "has 51 entries"),
        ({"CustomerMetadataProperties": {"k" * 129: "x"}}, "has 129 characters"),
        ({"CustomerMetadataProperties": {"k": "x" * 257}}, "value of 'k' .* has 257 characters"),
        ({"CustomerMetadataProperties": {"k": ""}}, "has 0 characters"),
        ({"CustomerMetadataProperties": {"k": "95%"}}, "characters the service refuses: '%'"),
        ({"CustomerMetadataProperties": {"k": 0.5}}, "must be text, but it is 0.5"),
        (digest("sha256:123"), "ContentDigest 'sha256:123' of ModelMetrics.ModelQuality.Statistics"),
        (card("not JSON"), "is not a model card"),
        (card("{}"), "is not a model card: model_overview: Field required"),
        (card(json.dumps(CARD, indent=1)), "must be one line"),
        (card(json.dumps(CARD | {"model_package_details": {}})), "model_package_details"),
        (card(json.dumps(CARD) + " " * 100_000), "at most 100,000 characters"),
        (card(json.dumps(CARD), "Final"), "ModelCardStatus 'Final'"),
    ],
)
def test_a_limit_of_the_service_is_named_and_nothing_is_written(
    registry: Registry, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadInput, match=message):
        registry.register({**REQUEST, **changes})
    assert not registry.root.exists()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(st.characters(categories=["L", "Z", "N"]) | st.sampled_from("_.:/=+-@"), min_size=1, max_size=256))
def test_letters_numbers_separators_and_eight_marks_are_taken(registry: Registry, value: str) -> None:
    package = registry.register({**REQUEST, "CustomerMetadataProperties": {"k": value}})
    assert registry.package(package["ModelPackageArn"]) == package


def test_a_damaged_package_is_named(registry: Registry) -> None:
    registry.register(REQUEST)
    (registry.root / "asusu-igbo" / "1.json").write_text("{", encoding="utf-8")
    with pytest.raises(BadInput, match=r"1\.json is not a model package"):
        registry.packages("asusu-igbo")
