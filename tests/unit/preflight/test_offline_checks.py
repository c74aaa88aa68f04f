"""What is refused before any account is asked."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.preflight import Check, check_offline, verdict
from pipeline.settings import Settings
from tests.unit.preflight.deployed import BUCKET, DIGEST, REGISTRY, chosen, definition

GIVEN = {"CorpusUri": f"s3://{BUCKET}/corpora/1f", "BaseModelUri": f"s3://{BUCKET}/base-models/2e"}


def rows(change: Any = None, given: dict[str, str] | None = None, where: Settings | None = None) -> dict[str, Check]:
    found = check_offline(where or chosen(), definition(change), GIVEN if given is None else given)
    return {check.name: check for check in found}


def test_a_sound_deployment_is_ok_in_every_row() -> None:
    found = rows()
    assert {check.status for check in found.values()} == {"ok"}
    assert verdict(list(found.values())) == "ok"


def test_a_finding_of_lint_is_refused_with_its_remedy() -> None:
    def open_the_network(steps: Any) -> None:
        steps["TrainLora"]["EnableNetworkIsolation"] = False

    row = rows(open_the_network)["definition"]
    assert row.status == "refused"
    assert "Steps.TrainLora.Arguments.EnableNetworkIsolation" in row.detail
    assert row.fix


def test_an_image_without_a_digest_is_refused() -> None:
    def by_tag(steps: Any) -> None:
        steps["TrainLora"]["AlgorithmSpecification"]["TrainingImage"] = f"{REGISTRY}/asusu-train:latest"

    row = rows(by_tag)["image digests"]
    assert (row.status, row.fix.split(",")[0]) == ("refused", "make push-images")
    assert "containers/bases.json" in row.fix
    assert "asusu-train:latest" in row.detail


def test_an_image_of_another_region_is_refused() -> None:
    def elsewhere(steps: Any) -> None:
        name = f"{REGISTRY}/asusu-prepare@{DIGEST}".replace("us-east-1", "eu-west-1")
        steps["PrepareCorpus"]["AppSpecification"]["ImageUri"] = name

    row = rows(elsewhere)["image region"]
    assert row.status == "refused"
    assert "asusu-prepare" in row.detail


def test_an_image_outside_ecr_has_an_unknown_region() -> None:
    def elsewhere(steps: Any) -> None:
        steps["PrepareCorpus"]["AppSpecification"]["ImageUri"] = f"registry.example.org/asusu-prepare@{DIGEST}"

    assert rows(elsewhere)["image region"].status == "unknown"


@pytest.mark.parametrize(
    ("machine", "status"), [("ml.g5.xlarge", "refused"), ("ml.m5d.large", "refused"), ("ml.x9.large", "unknown")]
)
def test_a_volume_key_on_a_machine_with_its_own_disks_is_refused(machine: str, status: str) -> None:
    def with_key(steps: Any) -> None:
        steps["PrepareCorpus"]["ProcessingResources"]["ClusterConfig"]["InstanceType"] = machine

    row = rows(with_key)["volume keys"]
    assert row.status == status
    assert f"PrepareCorpus on {machine}" in row.detail


@pytest.mark.parametrize(("size", "status"), [(250, "ok"), (251, "refused")])
def test_a_processing_job_may_ask_for_what_the_local_disk_holds(size: int, status: str) -> None:
    def larger(steps: Any) -> None:
        steps["EvaluateModel"]["ProcessingResources"]["ClusterConfig"]["VolumeSizeInGB"] = size

    assert rows(larger)["disks"].status == status


def test_the_machine_is_the_one_that_the_parameters_name() -> None:
    def large(steps: Any) -> None:
        steps["EvaluateModel"]["ProcessingResources"]["ClusterConfig"] |= {
            "InstanceType": {"Get": "Parameters.TrainingInstanceType"},
            "VolumeSizeInGB": 300,
        }

    assert rows(large)["disks"].status == "refused"
    assert rows(large, GIVEN | {"TrainingInstanceType": "ml.g5.12xlarge"})["disks"].status == "ok"


@pytest.mark.parametrize(("seconds", "status"), [(28 * 86400, "ok"), (28 * 86400 + 1, "refused")])
def test_training_may_take_the_services_longest_and_no_more(seconds: int, status: str) -> None:
    def longer(steps: Any) -> None:
        steps["TrainLora"]["StoppingCondition"]["MaxRuntimeInSeconds"] = seconds

    assert rows(longer)["time limits"].status == status


def test_more_training_hours_than_the_platform_allows_are_a_warning() -> None:
    given = GIVEN | {"MaxTrainingHours": "119.6"}
    assert rows(given=given)["training hours"].status == "warning"
    assert rows(given=GIVEN | {"MaxTrainingHours": "119.5"})["training hours"].status == "ok"


def test_a_spot_job_that_waits_shorter_than_it_runs_is_refused() -> None:
    def on_spot(steps: Any) -> None:
        steps["TrainLora"]["EnableManagedSpotTraining"] = True
        steps["TrainLora"]["StoppingCondition"]["MaxWaitTimeInSeconds"] = 3601

    row = rows(on_spot)["spot"]
    assert row.status == "refused"
    assert "waiting includes running" in row.detail


def test_a_spot_job_that_waits_long_enough_is_ok_and_said() -> None:
    def on_spot(steps: Any) -> None:
        steps["TrainLora"]["EnableManagedSpotTraining"] = True
        steps["TrainLora"]["StoppingCondition"]["MaxWaitTimeInSeconds"] = 168 * 3600

    row = rows(on_spot)["spot"]
    assert (row.status, row.detail) == ("ok", "TrainLora runs and waits 168 h together")


def test_values_that_are_not_given_are_unknown_and_never_ok() -> None:
    row = rows(given={})["parameters"]
    assert row.status == "unknown"
    assert "CorpusUri, BaseModelUri" in row.detail


def test_a_value_out_of_range_is_refused_with_the_range() -> None:
    row = rows(given=GIVEN | {"LoraRank": "300"})["parameters"]
    assert row.status == "refused"
    assert "LoraRank=300" in row.detail


def test_a_region_that_does_not_exist_is_refused_with_those_that_do() -> None:
    row = rows(where=chosen(region="us-east-9"))["region"]
    assert row.status == "refused"
    assert "us-east-2" in row.fix


@pytest.mark.parametrize(
    ("tags", "says"),
    [({"owner": "a, b"}, "character"), ({"aws:owner": "x"}, "aws:"), ({"owner": "x" * 257}, "257")],
)
def test_a_tag_that_the_registry_refuses_is_refused_here(tags: dict[str, str], says: str) -> None:
    row = rows(where=chosen(tags=tags))["metadata"]
    assert row.status == "refused"
    assert says in row.detail


def test_metadata_that_the_registry_refuses_is_refused_before_anything_is_paid_for() -> None:
    def wordy(steps: Any) -> None:
        branch = next(step["IfSteps"] for step in steps.values() if "IfSteps" in step)
        branch[0]["Arguments"]["CustomerMetadataProperties"]["note"] = "good, very good"

    row = rows(wordy)["metadata"]
    assert row.status == "refused"
    assert "note='good, very good'" in row.detail


def test_the_verdict_is_the_worst_row() -> None:
    ok, warning = Check("a", "ok", ""), Check("b", "warning", "")
    unknown, refused = Check("c", "unknown", ""), Check("d", "refused", "")
    assert verdict([ok, warning]) == "warning"
    assert verdict([ok, unknown, warning]) == "unknown"
    assert verdict([ok, refused, unknown]) == "refused"
    assert verdict([]) == "unknown"
