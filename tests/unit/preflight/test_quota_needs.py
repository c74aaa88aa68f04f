"""Which quotas a run counts against, and how much of each."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.preflight.jobs import jobs_of
from pipeline.preflight.quotas import Need, judge_quota, needed_quotas
from tests.unit.preflight.deployed import definition


def needs(change: Any = None, **given: str) -> dict[str, Need]:
    found = definition(change)
    return {need.quota: need for need in needed_quotas(jobs_of(found, given), found)}


def test_every_kind_of_job_needs_its_own_quota_of_the_same_machine() -> None:
    found = needs()
    assert found["ml.g5.xlarge for training job usage"].why == "CanaryTrain, CanaryResume, TrainLora"
    assert found["ml.g5.xlarge for processing job usage"].why == "EvaluateModel"
    assert found["ml.m5.xlarge for processing job usage"].amount == 1
    assert found["Number of instances across all training jobs"].amount == 1
    assert found["Longest run time for a training job"].amount == 120 * 3600
    assert found["Longest run time for a processing job"].amount == 12 * 3600
    assert not [name for name in found if "spot" in name]


def test_spot_needs_the_spot_twin_and_the_canaries_the_other() -> None:
    def on_spot(steps: Any) -> None:
        steps["TrainLora"]["EnableManagedSpotTraining"] = True

    found = needs(on_spot)
    assert found["ml.g5.xlarge for spot training job usage"].why == "TrainLora"
    assert found["ml.g5.xlarge for training job usage"].why == "CanaryTrain, CanaryResume"
    assert found["Number of instances across all spot training jobs"].amount == 1


def test_the_machine_comes_from_the_parameters() -> None:
    assert "ml.g5.12xlarge for training job usage" in needs(TrainingInstanceType="ml.g5.12xlarge")


def test_hosts_are_counted_and_jobs_that_may_run_at_once_are_added() -> None:
    def wide(steps: Any) -> None:
        for name in ("CanaryTrain", "CanaryResume", "TrainLora"):
            steps[name]["ResourceConfig"]["InstanceCount"] = 3

    found = needs(wide)
    assert found["ml.g5.xlarge for training job usage"].amount == 3, "one after the other"
    assert found["Maximum number of instances per training job"].amount == 3
    raw = definition(wide)
    loose = next(step for step in raw.steps if step.name == "TrainLora")
    object.__setattr__(loose, "depends_on", ())
    beside = {need.quota: need for need in needed_quotas(jobs_of(raw, {}), raw)}
    assert beside["ml.g5.xlarge for training job usage"].amount == 9, "the canaries are no longer waited for"


NEED = Need("ml.g5.xlarge for training job usage", 2, "instances", "TrainLora")


@pytest.mark.parametrize(("applied", "status"), [(0.0, "refused"), (1.0, "refused"), (2.0, "ok"), (None, "unknown")])
def test_a_quota_is_refused_ok_or_unknown(applied: float | None, status: str) -> None:
    assert judge_quota(NEED, applied, "nobody knows").status == status


def test_a_quota_of_zero_comes_with_the_command_that_asks_for_more() -> None:
    row = judge_quota(NEED, 0.0)
    assert row.detail == "TrainLora: needs 2, the account has 0"
    assert row.fix.endswith("--quota-code L-B6D80D9C --desired-value 2")
