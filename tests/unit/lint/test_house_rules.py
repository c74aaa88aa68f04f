"""What this house demands beyond the service: isolation, approval, no secrets, checkpoints, honest caching."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from pipeline.lint.safety import names_a_secret

TRAIN = "Steps.Train.Arguments"


@pytest.mark.parametrize("value", [False, None])
def test_training_with_a_network(example: Any, value: Any) -> None:
    del example.arguments("Train")["EnableNetworkIsolation"]
    if value is not None:
        example.arguments("Train")["EnableNetworkIsolation"] = value
    assert example.found() == {("network-isolation", f"{TRAIN}.EnableNetworkIsolation")}


@pytest.mark.parametrize("status", ["Approved", "Rejected", None])
def test_a_model_that_nobody_has_to_approve(example: Any, status: str | None) -> None:
    del example.arguments("Register")["ModelApprovalStatus"]
    if status:
        example.arguments("Register")["ModelApprovalStatus"] = status
    assert example.found() == {("approval-status", "Steps.Register.Arguments.ModelApprovalStatus")}


@pytest.mark.parametrize(
    "name", ["HF_TOKEN", "hfToken", "TOKEN", "dbPassword", "CLIENT_SECRET", "aws_secret_access_key"]
)
def test_a_name_for_a_secret(example: Any, name: str) -> None:
    assert names_a_secret(name)
    example.arguments("Train")["Environment"][name] = "value"
    assert example.found() == {("secret", f"{TRAIN}.Environment.{name}")}


@pytest.mark.parametrize("name", ["TokensPerStep", "tokens_per_second", "pad_token", "seconds_per_token", "Tokenizer"])
def test_a_name_that_only_sounds_like_a_secret(name: str) -> None:
    assert not names_a_secret(name)


def test_a_parameter_for_a_secret(example: Any) -> None:
    example.raw["Parameters"].append({"Name": "HubToken", "Type": "String"})
    example.arguments("Prepare")["Environment"]["HUB"] = {"Get": "Parameters.HubToken"}
    assert example.found() == {("secret", "Parameters.HubToken")}


@pytest.mark.parametrize(
    "value",
    [
        "AKIA" + "ABCDEFGHIJKLMNOP",
        "use hf_" + "abcdefghijklmnopqrstuvwxyz",
        "ghp_" + "0123456789" * 4,
        "-----BEGIN RSA " + "PRIVATE KEY-----",
        "https://user:" + "hunter2@example.org/model",
    ],
)
def test_a_value_that_looks_like_a_secret(example: Any, value: str) -> None:
    example.arguments("Train")["HyperParameters"]["note"] = value
    assert example.found() == {("secret", f"{TRAIN}.HyperParameters.note")}


def test_a_default_that_looks_like_a_secret(example: Any) -> None:
    example.parameter("CorpusUri")["DefaultValue"] = "s3://bucket/AKIA" + "ABCDEFGHIJKLMNOP"
    assert example.found() == {("secret", "Parameters.CorpusUri")}


def test_a_time_limit_that_nobody_chose(example: Any) -> None:
    example.arguments("Train")["StoppingCondition"]["MaxRuntimeInSeconds"] = 3600
    assert example.found() == {("stopping-condition", f"{TRAIN}.StoppingCondition.MaxRuntimeInSeconds")}
    del example.arguments("Train")["StoppingCondition"]
    assert example.found() == {("stopping-condition", f"{TRAIN}.StoppingCondition")}


def test_training_without_an_address_for_checkpoints(example: Any) -> None:
    del example.arguments("Train")["CheckpointConfig"]
    assert example.found() == {("checkpoints", f"{TRAIN}.CheckpointConfig.S3Uri")}


def test_a_checkpoint_folder_that_is_not_synchronised(example: Any) -> None:
    example.arguments("Train")["CheckpointConfig"]["LocalPath"] = "/opt/ml/model"
    assert example.found() == {("checkpoint-folder", f"{TRAIN}.CheckpointConfig.LocalPath")}
    del example.arguments("Train")["CheckpointConfig"]["LocalPath"]
    assert example.found() == set()


def test_one_checkpoint_address_for_two_jobs_at_once(example: Any) -> None:
    example.arguments("Train")["CheckpointConfig"] = copy.deepcopy(example.arguments("Canary")["CheckpointConfig"])
    assert example.found() == set()  # Train waits for Canary
    del example.steps["Train"]["DependsOn"]
    assert example.found() == {("shared-checkpoints", f"{TRAIN}.CheckpointConfig.S3Uri")}


def on_spot(example: Any) -> dict[str, Any]:
    """Train on spot machines, as it should be."""
    arguments: dict[str, Any] = example.arguments("Train")
    arguments["EnableManagedSpotTraining"] = True
    arguments["StoppingCondition"] = {"MaxRuntimeInSeconds": 86400, "MaxWaitTimeInSeconds": 86400}
    return arguments


def test_a_spot_job_that_may_wait_and_go_on(example: Any) -> None:
    on_spot(example)
    assert example.found() == set()


def test_a_spot_job_without_an_address_for_checkpoints(example: Any) -> None:
    del on_spot(example)["CheckpointConfig"]
    assert ("spot", f"{TRAIN}.EnableManagedSpotTraining") in example.found()


@pytest.mark.parametrize("wait", [None, 86399])
def test_a_spot_job_that_may_not_wait_as_long_as_it_may_run(example: Any, wait: int | None) -> None:
    stopping = on_spot(example)["StoppingCondition"]
    del stopping["MaxWaitTimeInSeconds"]
    if wait:
        stopping["MaxWaitTimeInSeconds"] = wait
    assert example.found() == {("spot", f"{TRAIN}.StoppingCondition.MaxWaitTimeInSeconds")}


@pytest.mark.parametrize("spot", [None, False])
def test_a_time_to_wait_on_a_job_that_is_not_on_spot_machines(example: Any, spot: bool | None) -> None:
    on_spot(example)["EnableManagedSpotTraining"] = spot
    if spot is None:
        del example.arguments("Train")["EnableManagedSpotTraining"]
    assert example.found() == {("spot", f"{TRAIN}.StoppingCondition.MaxWaitTimeInSeconds")}


def test_a_spot_job_with_a_choice_of_machines(example: Any) -> None:
    preferences = [{"InstanceType": "ml.g5.xlarge"}, {"InstanceType": "ml.g5.2xlarge"}]
    on_spot(example)["ResourceConfig"]["InstancePreferences"] = preferences
    assert example.found() == {("spot", f"{TRAIN}.ResourceConfig.InstancePreferences")}


def test_a_canary_on_another_number_of_machines_than_the_run(example: Any) -> None:
    for name in ("Canary", "Train"):
        example.arguments(name)["ResourceConfig"]["InstanceCount"] = 2
    assert example.found() == set()
    example.arguments("Canary")["ResourceConfig"]["InstanceCount"] = 1
    assert example.found() == {("training-hosts", f"{TRAIN}.ResourceConfig.InstanceCount")}


def test_machines_that_each_see_a_part_of_the_data(example: Any) -> None:
    source = example.arguments("Train")["InputDataConfig"][0]["DataSource"]["S3DataSource"]
    source["S3DataDistributionType"] = "ShardedByS3Key"
    assert example.found() == set()  # one machine gets every part
    for name in ("Canary", "Train"):
        example.arguments(name)["ResourceConfig"]["InstanceCount"] = 2
    place = "InputDataConfig[0].DataSource.S3DataSource.S3DataDistributionType"
    assert example.found() == {("training-hosts", f"{TRAIN}.{place}")}


def test_a_default_that_ends_in_a_slash(example: Any) -> None:
    example.parameter("CorpusUri")["DefaultValue"] = "s3://bucket/corpora/"
    assert example.found() == set()
    source = example.arguments("Prepare")["ProcessingInputs"][0]["S3Input"]
    source["S3Uri"] = {"Std:Join": {"On": "/", "Values": [{"Get": "Parameters.CorpusUri"}, "manifest.json"]}}
    assert example.found() == {("double-slash", "Steps.Prepare.Arguments.ProcessingInputs[0].S3Input.S3Uri")}


def test_a_mount_outside_the_folder_for_processing(example: Any) -> None:
    arguments = example.arguments("Prepare")
    arguments["ProcessingInputs"][0]["S3Input"]["LocalPath"] = "/opt/ml/input/corpus"
    arguments["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["LocalPath"] = "/mnt/splits"
    assert example.found() == {
        ("local-path", "Steps.Prepare.Arguments.ProcessingInputs[0].S3Input.LocalPath"),
        ("local-path", "Steps.Prepare.Arguments.ProcessingOutputConfig.Outputs[0].S3Output.LocalPath"),
    }


def test_an_input_that_is_mounted_nowhere(example: Any) -> None:
    del example.arguments("Prepare")["ProcessingInputs"][0]["S3Input"]["LocalPath"]
    assert example.found() == {("local-path", "Steps.Prepare.Arguments.ProcessingInputs[0].S3Input.LocalPath")}


def test_an_absolute_path_that_a_laptop_cannot_create(example: Any) -> None:
    example.arguments("Prepare")["AppSpecification"]["ContainerArguments"] = ["--out", "/opt/ml/processing/output/x"]
    example.arguments("Train")["Environment"]["CACHE"] = {"Std:Join": {"On": "", "Values": ["/opt/ml/", "cache"]}}
    assert example.found() == {
        ("absolute-path", "Steps.Prepare.Arguments.AppSpecification.ContainerArguments[1]"),
        ("absolute-path", f"{TRAIN}.Environment.CACHE"),
    }


def test_a_cached_training_step(example: Any) -> None:
    example.steps["Train"]["CacheConfig"] = {"Enabled": True, "ExpireAfter": "P30D"}
    assert example.found() == {("cached-training", "Steps.Train.CacheConfig")}


def test_a_cache_key_that_differs_every_time(example: Any) -> None:
    example.arguments("Prepare")["Environment"]["RUN"] = {"Get": "Execution.PipelineExecutionId"}
    assert example.found() == {("cache-never-hits", "Steps.Prepare.Arguments.Environment.RUN")}


def test_outputs_of_the_execution_do_not_spoil_the_cache(example: Any) -> None:
    outputs = example.arguments("Prepare")["ProcessingOutputConfig"]["Outputs"]
    assert "Execution.PipelineExecutionId" in str(outputs)
    assert example.found() == set()


@pytest.mark.parametrize("expiry", [None, "", "P", "thirty days"])
def test_a_cache_without_an_expiry(example: Any, expiry: str | None) -> None:
    example.steps["Prepare"]["CacheConfig"] = {"Enabled": True} | ({} if expiry is None else {"ExpireAfter": expiry})
    assert example.found() == {("cache-expiry", "Steps.Prepare.CacheConfig.ExpireAfter")}


@pytest.mark.parametrize("expiry", ["P30D", "PT5H", "P1DT12H", "30d"])
def test_a_cache_with_an_expiry(example: Any, expiry: str) -> None:
    example.steps["Prepare"]["CacheConfig"]["ExpireAfter"] = expiry
    assert example.found() == set()


def test_a_cache_that_is_off_needs_nothing(example: Any) -> None:
    example.steps["Train"]["CacheConfig"] = {"Enabled": False}
    assert example.found() == set()


@pytest.mark.parametrize(
    "image", ["asusu-train", "registry:5000/asusu-train", "registry/asusu-train:v1", "asusu-train@v1"]
)
def test_an_image_that_may_become_another_under_its_name(example: Any, image: str) -> None:
    example.arguments("Train")["AlgorithmSpecification"]["TrainingImage"] = image
    assert example.found() == {("mutable-image", f"{TRAIN}.AlgorithmSpecification.TrainingImage")}


def test_an_image_without_a_digest_says_what_must_be_filled_in_before_one_can_be_pushed(example: Any) -> None:
    example.arguments("Train")["AlgorithmSpecification"]["TrainingImage"] = "asusu-train"
    (finding,) = example.findings()
    assert finding.remedy.startswith("make push-images")
    assert "containers/bases.json" in finding.remedy


def test_images_of_jobs_and_of_the_registered_package_count_alike(example: Any) -> None:
    example.arguments("Prepare")["AppSpecification"]["ImageUri"] = "asusu-prepare:latest"
    example.arguments("Register")["InferenceSpecification"]["Containers"][0]["Image"] = "asusu-evaluate:latest"
    assert example.found() == {
        ("mutable-image", "Steps.Prepare.Arguments.AppSpecification.ImageUri"),
        ("mutable-image", "Steps.Register.Arguments.InferenceSpecification.Containers[0].Image"),
    }


def test_an_image_by_digest_stays_what_it_is(example: Any) -> None:
    digest = "sha256:" + "a" * 64
    example.arguments("Train")["AlgorithmSpecification"]["TrainingImage"] = f"registry/asusu-train@{digest}"
    example.arguments("Prepare")["AppSpecification"]["ImageUri"] = f"registry/asusu-prepare:v1@{digest}"
    assert example.found() == set()


def test_an_image_that_a_parameter_names_is_judged_by_its_default(example: Any) -> None:
    example.raw["Parameters"].append({"Name": "Image", "Type": "String", "DefaultValue": "registry/asusu-train"})
    example.arguments("Train")["AlgorithmSpecification"]["TrainingImage"] = {"Get": "Parameters.Image"}
    assert example.found() == {("mutable-image", f"{TRAIN}.AlgorithmSpecification.TrainingImage")}
