"""Requests: what the service's own shapes refuse, found before anything is sent."""

from __future__ import annotations

import copy
from typing import Any

import pytest

TRAIN = "Steps.Train.Arguments"
PREPARE = "Steps.Prepare.Arguments"
REGISTER = "Steps.Register.Arguments"


@pytest.mark.parametrize("name", ["Seed", "Epochs"])
@pytest.mark.parametrize(("step", "area"), [("Train", "HyperParameters"), ("Prepare", "Environment")])
def test_a_bare_number_in_a_string_slot(example: Any, name: str, step: str, area: str) -> None:
    example.arguments(step)[area]["value"] = {"Get": f"Parameters.{name}"}
    assert example.found() == {("bare-reference", f"Steps.{step}.Arguments.{area}.value")}


def test_a_bare_number_in_container_arguments(example: Any) -> None:
    example.arguments("Prepare")["AppSpecification"]["ContainerArguments"] = [{"Get": "Parameters.Seed"}]
    assert example.found() == {("bare-reference", f"{PREPARE}.AppSpecification.ContainerArguments[0]")}


def test_a_bare_boolean_in_a_string_slot(example: Any) -> None:
    example.raw["Parameters"].append({"Name": "Strict", "Type": "Boolean", "DefaultValue": True})
    example.arguments("Train")["HyperParameters"]["strict"] = {"Get": "Parameters.Strict"}
    assert example.found() == {("bare-reference", f"{TRAIN}.HyperParameters.strict")}


def test_a_numeric_property_in_a_string_slot(example: Any) -> None:
    example.arguments("Train")["HyperParameters"]["budget"] = {"Get": "Steps.Canary.BillableTimeInSeconds"}
    assert example.found() == {("bare-reference", f"{TRAIN}.HyperParameters.budget")}


def test_strings_need_no_join(example: Any) -> None:
    example.arguments("Train")["HyperParameters"]["corpus"] = {"Get": "Parameters.CorpusUri"}
    assert example.found() == set()


def test_a_text_where_a_number_is_wanted(example: Any) -> None:
    example.arguments("Train")["ResourceConfig"]["InstanceCount"] = {"Get": "Parameters.CorpusUri"}
    assert example.found() == {("wrong-type", f"{TRAIN}.ResourceConfig.InstanceCount")}


@pytest.mark.parametrize("value", [1.0, True, "1", None])
def test_a_literal_of_the_wrong_type(example: Any, value: Any) -> None:
    example.arguments("Train")["ResourceConfig"]["InstanceCount"] = value
    assert example.found() == {("wrong-type", f"{TRAIN}.ResourceConfig.InstanceCount")}


def test_a_number_written_as_a_hyperparameter(example: Any) -> None:
    example.arguments("Train")["HyperParameters"]["rank"] = 16
    assert example.found() == {("wrong-type", f"{TRAIN}.HyperParameters.rank")}


def test_a_misspelt_argument(example: Any) -> None:
    example.arguments("Train")["HyperParametres"] = {}
    [finding] = example.findings()
    assert (finding.rule, finding.where) == ("unknown-argument", f"{TRAIN}.HyperParametres")
    assert finding.remedy == "use HyperParameters"


def test_a_missing_argument(example: Any) -> None:
    del example.arguments("Train")["OutputDataConfig"]["S3OutputPath"]
    assert example.found() == {("missing-argument", f"{TRAIN}.OutputDataConfig.S3OutputPath")}


def test_training_without_an_image(example: Any) -> None:
    del example.arguments("Train")["AlgorithmSpecification"]["TrainingImage"]
    assert example.found() == {("missing-argument", f"{TRAIN}.AlgorithmSpecification.TrainingImage")}


def test_a_fail_step_without_a_message(example: Any) -> None:
    example.arguments("Reject")["ErrorMessage"] = ""
    assert example.found() == {("missing-argument", "Steps.Reject.Arguments.ErrorMessage")}


def test_the_job_name_may_be_left_to_pipelines(example: Any) -> None:
    example.arguments("Train")["TrainingJobName"] = "name with spaces"
    assert example.found() == {("characters", f"{TRAIN}.TrainingJobName")}


@pytest.mark.parametrize(
    ("step", "keys", "value"),
    [
        ("Train", ["HyperParameters", "note"], "x" * 2501),
        ("Train", ["HyperParameters"], {f"key{i}": "x" for i in range(101)}),
        ("Train", ["HyperParameters", "k" * 257], "x"),
        ("Train", ["Environment", "NOTE"], "x" * 513),
        ("Prepare", ["Environment", "NOTE"], "x" * 257),
        ("Prepare", ["AppSpecification", "ContainerArguments"], ["x"] * 101),
        ("Prepare", ["AppSpecification", "ContainerArguments"], ["x" * 257]),
        ("Prepare", ["StoppingCondition", "MaxRuntimeInSeconds"], 777_601),
        ("Register", ["CustomerMetadataProperties"], {f"key{i}": "x" for i in range(51)}),
        ("Register", ["CustomerMetadataProperties", "note"], "x" * 257),
        ("Register", ["ModelPackageDescription"], "x" * 1025),
        (
            "Train",
            ["AlgorithmSpecification", "MetricDefinitions"],
            [{"Name": f"m{i}", "Regex": "(x)"} for i in range(41)],
        ),
    ],
)
def test_a_limit_of_the_service(example: Any, step: str, keys: list[str], value: Any) -> None:
    target = example.arguments(step)
    for key in keys[:-1]:
        target = target.setdefault(key, {})
    target[keys[-1]] = value
    where = f"Steps.{step}.Arguments.{'.'.join(keys)}"
    item = "[0]" if isinstance(value, list) and len(value) == 1 else ""
    assert ("limit", where + item) in example.found()


@pytest.mark.parametrize(
    ("step", "keys", "most"),
    [
        ("Prepare", ["ProcessingInputs"], 10),
        ("Prepare", ["ProcessingOutputConfig", "Outputs"], 10),
        ("Train", ["InputDataConfig"], 20),
    ],
)
def test_no_more_channels_than_the_service_takes(example: Any, step: str, keys: list[str], most: int) -> None:
    rows = example.arguments(step)
    for key in keys:
        rows = rows[key]
    member = next(key for key in rows[0] if key.endswith("Name"))
    rows += [copy.deepcopy(rows[0]) | {member: f"name{index}"} for index in range(most - 1)]
    assert example.found() == set()
    rows.append(copy.deepcopy(rows[0]) | {member: "one-more"})
    assert example.found() == {("limit", f"Steps.{step}.Arguments.{'.'.join(keys)}")}


def test_a_metric_pattern_that_is_too_long(example: Any) -> None:
    example.arguments("Train")["AlgorithmSpecification"]["MetricDefinitions"][0]["Regex"] = "(x)" + "y" * 498
    assert example.found() == {("limit", f"{TRAIN}.AlgorithmSpecification.MetricDefinitions[0].Regex")}


@pytest.mark.parametrize("pattern", ["loss=([0-9", "loss=[0-9.]+"])
def test_a_metric_pattern_that_finds_no_number(example: Any, pattern: str) -> None:
    example.arguments("Train")["AlgorithmSpecification"]["MetricDefinitions"][0]["Regex"] = pattern
    assert example.found() == {("metric-regex", f"{TRAIN}.AlgorithmSpecification.MetricDefinitions[0].Regex")}


def test_a_limit_is_checked_after_defaults_are_filled_in(example: Any) -> None:
    example.parameter("CorpusUri")["DefaultValue"] = "s3://bucket/" + "x" * 300
    example.arguments("Prepare")["Environment"]["Corpus"] = {"Get": "Parameters.CorpusUri"}
    assert example.found() == {("limit", f"{PREPARE}.Environment.Corpus")}


@pytest.mark.parametrize("value", ["1.26 (<=1.40)", "84,5 %", "a\nb", '"quoted"'])
def test_registry_texts_have_a_small_alphabet(example: Any, value: str) -> None:
    example.arguments("Register")["CustomerMetadataProperties"]["note"] = value
    assert example.found() == {("characters", f"{REGISTER}.CustomerMetadataProperties.note")}


def test_registry_texts_may_be_in_any_script(example: Any) -> None:
    example.arguments("Register")["CustomerMetadataProperties"]["note"] = "Asụsụ 1.26 threshold=1.40"
    assert example.found() == set()


@pytest.mark.parametrize("key", ["has space", "1st"])
def test_an_environment_name_the_service_refuses(example: Any, key: str) -> None:
    example.arguments("Prepare")["Environment"][key] = "x"
    assert example.found() == {("characters", f"{PREPARE}.Environment.{key}")}


def test_an_address_without_a_scheme(example: Any) -> None:
    example.arguments("Train")["CheckpointConfig"]["S3Uri"] = "bucket/checkpoints"
    assert example.found() == {("characters", f"{TRAIN}.CheckpointConfig.S3Uri")}


def test_a_machine_that_does_not_exist(example: Any) -> None:
    example.arguments("Prepare")["ProcessingResources"]["ClusterConfig"]["InstanceType"] = "ml.g5.tiny"
    where = f"{PREPARE}.ProcessingResources.ClusterConfig.InstanceType"
    assert example.found() == {("choice", where)}


def test_every_choice_of_a_parameter_is_tried(example: Any) -> None:
    example.parameter("TrainingInstanceType")["EnumValues"].append("ml.g5.3xlarge")
    assert example.found() == {
        ("choice", f"{TRAIN}.ResourceConfig.InstanceType"),
        ("choice", "Steps.Canary.Arguments.ResourceConfig.InstanceType"),
    }


def test_two_inputs_of_one_name(example: Any) -> None:
    rows = example.arguments("Prepare")["ProcessingInputs"]
    rows.append(copy.deepcopy(rows[0]))
    assert example.found() == {("duplicate-name", f"{PREPARE}.ProcessingInputs")}


def test_a_step_name_the_service_refuses(example: Any) -> None:
    example.steps["Canary"]["Name"] = "C" * 65
    example.steps["Train"]["DependsOn"] = ["C" * 65]
    assert example.found() == {("limit", f"Steps.{'C' * 65}")}
    example.raw["Steps"][1]["Name"] = "The canary"
    example.steps["Train"]["DependsOn"] = ["The canary"]
    assert example.found() == {("characters", "Steps.The canary")}


def test_descriptions_are_short_and_on_one_line(example: Any) -> None:
    example.steps["Prepare"]["Description"] = "x" * 3073
    example.steps["Train"]["DisplayName"] = "two\nlines"
    example.steps["Canary"]["Description"] = 5
    assert example.found() == {
        ("wrong-type", "Steps.Canary.Description"),
        ("limit", "Steps.Prepare.Description"),
        ("characters", "Steps.Train.DisplayName"),
    }


def test_the_whole_definition_has_a_limit(example: Any) -> None:
    example.raw["Metadata"] = {"note": "x" * 1_048_576}
    assert example.found() == {("limit", "definition")}


def test_no_more_than_two_hundred_parameters(example: Any) -> None:
    names = [f"P{index}" for index in range(196)]
    example.raw["Parameters"] += [{"Name": name, "Type": "String", "DefaultValue": "x"} for name in names]
    message = example.arguments("Reject")["ErrorMessage"]["Std:Join"]["Values"]
    message += [{"Get": f"Parameters.{name}"} for name in names]
    assert example.found() == {("limit", "Parameters")}
