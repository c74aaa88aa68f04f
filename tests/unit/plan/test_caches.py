"""Which cached steps run again after a change, and why, step after step."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.definition import read
from pipeline.plan import compare
from pipeline.plan.caching import KEYS
from tests.unit.plan.editing import REGISTRY, Edit, argument, default, plain, step_in

NEW_IMAGE = f"{REGISTRY}/asusu-prepare@sha256:{'f' * 64}"


def why(deployed_text: str, *edits: Edit) -> dict[str, tuple[str, ...]]:
    return {one.step: one.why for one in compare(read(deployed_text), plain(deployed_text, *edits)).caches}


def test_an_image_built_again_makes_its_step_run_again_and_what_reads_its_output() -> None:
    from tests.unit.plan.editing import account_text

    found = why(account_text(), argument("PrepareCorpus", "AppSpecification", "ImageUri", value=NEW_IMAGE))
    assert found["PrepareCorpus"] == ("its image changes",)
    assert found["TokenizeExamples"] == ("PrepareCorpus runs again, so what it reads lies at a new address",)


def test_a_change_after_a_cached_step_leaves_its_results_usable(deployed_text: str) -> None:
    found = why(deployed_text, argument("TrainLora", "HyperParameters", "canary_steps", value="20"))
    assert found == {"PrepareCorpus": (), "TokenizeExamples": ()}


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (argument("TokenizeExamples", "Environment", "TrainingHosts", value="2"), "its setting TrainingHosts changes"),
        (
            argument("TokenizeExamples", "ProcessingInputs", 2, "LocalPath", value="/opt/ml/processing/input/t"),
            "its input tokenizer changes",
        ),
        (
            default("MaxLength", 512),
            "the default of MaxLength changes, unless a start gives the old value",
        ),
    ],
)
def test_the_reason_names_what_the_cache_compares(deployed_text: str, edit: Edit, said: str) -> None:
    assert why(deployed_text, edit)["TokenizeExamples"] == (said,)


@pytest.mark.parametrize(
    "edit",
    [
        argument("PrepareCorpus", "RoleArn", value="arn:aws:iam::123456789012:role/other"),
        argument("PrepareCorpus", "StoppingCondition", "MaxRuntimeInSeconds", value=7200),
        argument("PrepareCorpus", "ProcessingResources", "ClusterConfig", "InstanceType", value="ml.m5.2xlarge"),
    ],
)
def test_role_machine_and_time_limit_are_not_compared_by_the_cache(deployed_text: str, edit: Edit) -> None:
    assert why(deployed_text, edit)["PrepareCorpus"] == ()


def test_switching_the_cache_off_or_on_is_said(deployed_text: str) -> None:
    def off(raw: dict[str, Any]) -> None:
        step_in(raw, "TokenizeExamples")["CacheConfig"]["Enabled"] = False

    def on(raw: dict[str, Any]) -> None:
        step_in(raw, "Preflight")["CacheConfig"] = {"Enabled": True, "ExpireAfter": "P1D"}

    assert why(deployed_text, off)["TokenizeExamples"] == ("caching was switched off",)
    assert why(deployed_text, on)["Preflight"] == ("it is cached from now on; the first run fills the cache",)


def test_another_expiry_is_said(deployed_text: str) -> None:
    def edit(raw: dict[str, Any]) -> None:
        step_in(raw, "PrepareCorpus")["CacheConfig"]["ExpireAfter"] = "P1D"

    assert why(deployed_text, edit)["PrepareCorpus"] == ("results count for P1D instead of P30D",)


def test_the_compared_members_are_those_of_the_developer_guide() -> None:
    assert set(KEYS["Processing"]) == {"AppSpecification", "Environment", "ProcessingInputs"}
    assert set(KEYS["Training"]) == {
        "AlgorithmSpecification",
        "CheckpointConfig",
        "Environment",
        "HyperParameters",
        "InputDataConfig",
    }
