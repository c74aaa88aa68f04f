"""Entries of the registry that somebody edited: each damage is one sentence with the file, and nothing rests on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import BadInput
from pipeline.local.entry import read_entry
from pipeline.local.registry import Registry

REQUEST = {
    "ModelPackageGroupName": "asusu-igbo",
    "InferenceSpecification": {"Containers": [{"Image": "i", "ModelDataUrl": "s3://bucket/model.tar.gz"}]},
    "CustomerMetadataProperties": {"adapter": "0" * 64},
}
ESCAPES = "\x1b]0;title\x07\x9b31m"


@pytest.fixture
def entry(tmp_path: Path) -> Path:
    Registry(tmp_path).register(REQUEST)
    return tmp_path / "asusu-igbo" / "1.json"


def change(entry: Path, **changes: Any) -> None:
    entry.write_text(json.dumps(json.loads(entry.read_text()) | changes))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"ModelApprovalStatus": "approved"}, "ModelApprovalStatus"),
        ({"ModelApprovalStatus": ["Approved"]}, "ModelApprovalStatus"),
        ({"LastModifiedTime": "yesterday"}, "LastModifiedTime"),
        ({"LastModifiedTime": "2026-11-21T10:00:00"}, "timezone"),
        ({"LastModifiedTime": 5}, "LastModifiedTime"),
        ({"CreationTime": None}, "CreationTime"),
        ({"ApprovalDescription": ["good"]}, "ApprovalDescription"),
        ({"LastModifiedBy": "ada"}, "LastModifiedBy"),
        ({"LastModifiedBy": {"IamIdentity": "ada"}}, "LastModifiedBy.IamIdentity"),
        ({"CustomerMetadataProperties": {"adapter": 1}}, "CustomerMetadataProperties.adapter"),
        ({"CustomerMetadataProperties": ["adapter"]}, "CustomerMetadataProperties"),
        ({"ModelMetrics": {"ModelQuality": {"Statistics": ["s3://bucket/e"]}}}, "ModelMetrics.ModelQuality.Statistics"),
        ({"ModelPackageVersion": "1"}, "ModelPackageVersion"),
        ({"ModelPackageVersion": True}, "ModelPackageVersion"),
        ({"ModelPackageVersion": 2}, "it states asusu-igbo/2"),
        ({"ModelPackageGroupName": ESCAPES}, "it states"),
        ({"ModelPackageArn": "arn:aws:sagemaker:local:000000000000:model-package/asusu-igbo/2"}, "asusu-igbo/2"),
        ({"Decisions": {"verdict": "Approved"}}, "Decisions"),
        ({"Decisions": [{"verdict": "Approved", "reason": "x", "who": "ada"}]}, "Decisions.0.when"),
        ({"Decisions": [{"verdict": "x", "reason": "x", "who": "ada", "when": "2026-11-21"}]}, "Decisions.0.verdict"),
    ],
)
def test_a_field_of_another_kind_is_named_with_the_file(entry: Path, changes: dict[str, Any], says: str) -> None:
    change(entry, **changes)
    with pytest.raises(BadInput) as error:
        read_entry(entry)
    assert f"{entry} is not a model package: " in error.value.message
    assert says in error.value.message
    assert error.value.hint == "restore or remove the file"


@pytest.mark.parametrize("name", ["ModelPackageArn", "ModelApprovalStatus", "CreationTime", "LastModifiedTime"])
def test_a_field_that_is_missing_is_named(entry: Path, name: str) -> None:
    package = json.loads(entry.read_text())
    del package[name]
    entry.write_text(json.dumps(package))
    with pytest.raises(BadInput, match=f"{name}: Field required"):
        read_entry(entry)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "7", '"text"', "null", '{"a": NaN}', '{"a": Infinity}', "[" * 100_000, '{"a": ' + "9" * 5000 + "}"],
    ids=range(10),
)
def test_what_is_no_object_of_json_is_refused(entry: Path, text: str) -> None:
    entry.write_text(text)
    with pytest.raises(BadInput, match="is not a model package"):
        read_entry(entry)


def test_bytes_that_are_no_text_and_a_file_that_is_a_folder_are_refused(entry: Path) -> None:
    entry.write_bytes(b"\xff\xfe")
    with pytest.raises(BadInput, match="is not a model package"):
        read_entry(entry)
    entry.unlink()
    entry.mkdir()
    with pytest.raises(BadInput, match="is not a model package"):
        Registry(entry.parents[1]).packages("asusu-igbo")


def test_other_files_beside_the_entries_are_passed_over(entry: Path) -> None:
    for name in ("0.json", "01.json", "²0.json", "notes.json", ".1.json.partial"):
        (entry.parent / name).write_text("{")
    (entry.parents[1] / ".trash").mkdir()
    registry = Registry(entry.parents[1])
    assert registry.groups() == ["asusu-igbo"]
    assert [package["ModelPackageVersion"] for package in registry.packages("asusu-igbo")] == [1]
    assert registry.package("arn:x:model-package/asusu-igbo/notes") is None
    assert registry.package("arn:x:model-package/asusu-igbo/../asusu-igbo/1") is None


def test_every_decision_stays_with_the_version_and_old_entries_gain_theirs(entry: Path) -> None:
    registry = Registry(entry.parents[1])
    arn = json.loads(entry.read_text())["ModelPackageArn"]
    by_hand = {"LastModifiedTime": "2026-11-20T09:00:00+00:00", "LastModifiedBy": {"UserProfileName": "ada"}}
    change(entry, ModelApprovalStatus="Approved", ApprovalDescription="before histories were kept", **by_hand)
    for status, reason in (("Rejected", "it invents names"), ("Approved", "x" * 1024)):
        registry.decide(arn, status, reason, "bob")
    found = [(row["verdict"], row["reason"], row["who"]) for row in read_entry(entry)["Decisions"]]
    assert found == [
        ("Approved", "before histories were kept", "ada"),
        ("Rejected", "it invents names", "bob"),
        ("Approved", "x" * 1024, "bob"),
    ]
    with pytest.raises(BadInput, match="1 to 1024 characters"):
        registry.decide(arn, "Rejected", "x" * 4000, "bob")
    assert len(read_entry(entry)["Decisions"]) == 3
