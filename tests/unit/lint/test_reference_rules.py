"""References: they lead to real properties, declared outputs, property files and known variables."""

from __future__ import annotations

from typing import Any

import pytest

SPLITS = "ProcessingOutputConfig.Outputs['splits'].S3Output.S3Uri"


def refer(example: Any, target: str) -> str:
    """Let Canary's training channel come from a target; returns the place of the reference."""
    source = example.arguments("Canary")["InputDataConfig"][0]["DataSource"]["S3DataSource"]
    source["S3Uri"] = {"Get": target}
    return "Steps.Canary.Arguments.InputDataConfig[0].DataSource.S3DataSource.S3Uri"


@pytest.mark.parametrize(
    "target",
    [
        f"Steps.Prepare.{SPLITS}",
        "Steps.Prepare.ProcessingOutputConfig.Outputs[0].S3Output.S3Uri",
        "Steps.Prepare.ProcessingInputs['corpus'].S3Input.S3Uri",
        "Parameters.CorpusUri",
    ],
)
def test_a_property_by_name_or_by_index(example: Any, target: str) -> None:
    refer(example, target)
    assert example.found() == set()


@pytest.mark.parametrize(
    "target",
    [
        "Steps.Prepare.ModelArtifacts.S3ModelArtifacts",  # a property of training, not of processing
        "Steps.Prepare.ProcessingOutputConfig.Outputs['splits'].S3Uri",
        "Steps.Prepare.ProcessingOutputConfig.Outputs.splits",
        "Steps.Prepare.ProcessingOutputConfig['Outputs']",
        "Steps.Prepare.ProcessingOutputConfig.Outputs[splits]",
        "Steps.Prepare",
        "Step.Prepare.RoleArn",
        "CorpusUri",
    ],
)
def test_a_property_that_no_answer_of_the_service_has(example: Any, target: str) -> None:
    where = refer(example, target)
    assert example.found() == {("unknown-property", where)}


def test_a_condition_has_an_outcome_and_a_fail_step_nothing(example: Any) -> None:
    message = example.arguments("Reject")["ErrorMessage"]["Std:Join"]["Values"]
    message[1] = {"Get": "Steps.Check.Outcome"}
    assert example.found() == set()
    message[1] = {"Get": "Steps.Check.Reason"}
    assert example.found() == {("unknown-property", "Steps.Reject.Arguments.ErrorMessage.Std:Join.Values[1]")}


@pytest.mark.parametrize("item", ["'tokens'", "1"])
def test_an_output_that_the_step_does_not_declare(example: Any, item: str) -> None:
    where = refer(example, f"Steps.Prepare.ProcessingOutputConfig.Outputs[{item}].S3Output.S3Uri")
    assert example.found() == {("undeclared-item", where)}


def test_a_final_metric_must_be_defined(example: Any) -> None:
    condition = example.arguments("Check")["Conditions"][1]
    condition |= {"Type": "LessThan", "LeftValue": {"Get": "Steps.Train.FinalMetricDataList['loss'].Value"}}
    condition["RightValue"] = 2.0
    assert example.found() == set()
    condition["LeftValue"] = {"Get": "Steps.Train.FinalMetricDataList['accuracy'].Value"}
    assert example.found() == {("undeclared-item", "Steps.Check.Arguments.Conditions[1].LeftValue")}


def test_a_hyperparameter_of_an_earlier_step_must_be_given(example: Any) -> None:
    example.arguments("Train")["HyperParameters"]["earlier"] = {"Get": "Steps.Canary.HyperParameters['mode']"}
    assert example.found() == set()
    example.arguments("Train")["HyperParameters"]["earlier"] = {"Get": "Steps.Canary.HyperParameters['rank']"}
    assert example.found() == {("undeclared-item", "Steps.Train.Arguments.HyperParameters.earlier")}


def test_a_property_file_must_be_declared(example: Any) -> None:
    example.steps["Evaluate"]["PropertyFiles"] = []
    assert {rule for rule, _ in example.found()} == {"property-file"}
    where = "Steps.Check.Arguments.Conditions[0].LeftValue.Std:JsonGet.PropertyFile"
    assert ("property-file", where) in example.found()


def test_a_property_file_must_lie_in_an_output_of_its_step(example: Any) -> None:
    example.steps["Evaluate"]["PropertyFiles"][0]["OutputName"] = "scores"
    assert example.found() == {("property-file", "Steps.Evaluate.PropertyFiles.Report")}


def test_only_processing_has_property_files(example: Any) -> None:
    left = example.arguments("Check")["Conditions"][0]["LeftValue"]["Std:JsonGet"]
    left["PropertyFile"] = {"Get": "Steps.Train.PropertyFiles.Report"}
    where = "Steps.Check.Arguments.Conditions[0].LeftValue.Std:JsonGet.PropertyFile"
    assert example.found() == {("property-file", where)}


@pytest.mark.parametrize(
    "change",
    [
        {"Path": ""},
        {"Path": {"Std:Join": {"On": ".", "Values": ["a", "b"]}}},
        {"PropertyFile": None},
        {"S3Uri": "s3://bucket/report.json"},
        {"PropertyFile": {"Get": "Steps.Evaluate.ProcessingOutputConfig.Outputs['report'].S3Output.S3Uri"}},
    ],
)
def test_a_json_get_that_leads_nowhere(example: Any, change: dict[str, Any]) -> None:
    example.arguments("Check")["Conditions"][0]["LeftValue"]["Std:JsonGet"].update(change)
    assert example.found() == {("json-get", "Steps.Check.Arguments.Conditions[0].LeftValue")}


def test_a_json_get_by_address_needs_a_depends_on(example: Any) -> None:
    uri = {"Std:Join": {"On": "/", "Values": ["s3://bucket", "report.json"]}}
    example.arguments("Check")["Conditions"][0]["LeftValue"] = {"Std:JsonGet": {"S3Uri": uri, "Path": "loss"}}
    assert example.found() == {("json-get", "Steps.Check.Arguments.Conditions[0].LeftValue")}
    example.steps["Check"]["DependsOn"] = ["Evaluate"]
    assert example.found() == set()


@pytest.mark.parametrize(
    "join",
    [
        {"Values": ["a"]},
        {"On": "/"},
        {"On": "/", "Values": []},
        {"On": "/", "Values": "ab"},
        {"On": "/", "Values": ["a", None]},
        {"On": "/", "Values": [["a"]]},
        ["a"],
    ],
)
def test_a_join_that_joins_nothing(example: Any, join: Any) -> None:
    example.arguments("Reject")["ErrorMessage"] = {"Std:Join": join}
    assert example.found() == {("bad-join", "Steps.Reject.Arguments.ErrorMessage")}


def test_an_execution_variable_that_does_not_exist(example: Any) -> None:
    example.raw["PipelineExperimentConfig"]["TrialName"] = {"Get": "Execution.Id"}
    assert example.found() == {("unknown-execution-variable", "PipelineExperimentConfig.TrialName")}


def test_a_function_that_does_not_exist(example: Any) -> None:
    example.arguments("Reject")["ErrorMessage"] = {"Std:Upper": "refused"}
    assert example.found() == {("unknown-function", "Steps.Reject.Arguments.ErrorMessage")}
