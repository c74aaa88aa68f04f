from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.definition import PropertyFile
from pipeline.errors import BadInput, StepFailed
from pipeline.local.parameters import to_text
from pipeline.local.resolver import Scope, resolve
from pipeline.local.store import Store
from tests.unit.local.pipelines import join, json_get, output_of, parameter

scalars = st.one_of(st.text(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.booleans())
plain = st.recursive(
    st.one_of(scalars, st.none()),
    lambda inner: st.one_of(
        st.lists(inner), st.dictionaries(st.text().filter(lambda key: key not in ("Get",) and "Std:" not in key), inner)
    ),
    max_leaves=10,
)

OBJECTS = {
    "s3://b/runs/1/out/report.json": json.dumps({"metrics": {"loss": {"value": 0.5}}, "rows": [{"n": 3}], "t": "ọ"}),
    "s3://b/broken.json": '{"loss": NaN}',
}
DESCRIBED = {
    "ProcessingOutputConfig": {"Outputs": [{"OutputName": "out", "S3Output": {"S3Uri": "s3://b/runs/1/out"}}]},
    "FinalMetricDataList": [{"MetricName": "validation:loss", "Value": 0.25}],
}


def scope(**changes: Any) -> Scope:
    fields: dict[str, Any] = {
        "parameters": {"Rate": 2e-4, "Steps": 7, "Name": "igbo", "Dry": True},
        "execution": {"PipelineExecutionId": "abcdefghijkl", "PipelineName": "asusu"},
        "steps": {"Evaluate": DESCRIBED},
        "property_files": {"Evaluate": {"Report": PropertyFile("Report", "out", "report.json")}},
        "read": OBJECTS.__getitem__,
    }
    return Scope(**{**fields, **changes})


@given(plain)
def test_a_value_without_references_stays_as_it_is(value: Any) -> None:
    assert resolve(value, scope()) == value


@given(st.text(), st.lists(scalars))
def test_join_is_the_join_of_the_texts(on: str, values: list[Any]) -> None:
    expected = on.join(map(to_text, values))
    assert resolve(join(*values, on=on), scope()) == expected
    by_parameter = scope(parameters={str(index): value for index, value in enumerate(values)})
    assert resolve(join(*(parameter(str(index)) for index in range(len(values))), on=on), by_parameter) == expected


@given(st.lists(st.text()))
def test_joins_nest(values: list[str]) -> None:
    assert resolve(join(*(join(value) for value in values), on="/"), scope()) == "/".join(values)


def test_parameters_and_execution_variables_keep_their_type() -> None:
    assert resolve({"a": [parameter("Rate"), parameter("Steps"), parameter("Dry")]}, scope()) == {"a": [2e-4, 7, True]}
    assert resolve({"Get": "Execution.PipelineName"}, scope()) == "asusu"


def test_numbers_in_a_join_are_written_as_python_writes_them() -> None:
    assert resolve(join(parameter("Rate"), parameter("Steps"), parameter("Dry"), on=" "), scope()) == "0.0002 7 true"


def test_a_step_property_is_found_by_name_and_by_index() -> None:
    assert resolve(output_of("Evaluate"), scope()) == "s3://b/runs/1/out"
    by_index = {"Get": "Steps.Evaluate.ProcessingOutputConfig.Outputs[0].S3Output.S3Uri"}
    assert resolve(by_index, scope()) == "s3://b/runs/1/out"
    assert resolve({"Get": "Steps.Evaluate.FinalMetricDataList['validation:loss'].Value"}, scope()) == 0.25


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("Parameters.Rat", "no parameter 'Rat'; known: Rate, Steps"),
        ("Execution.Id", "no execution variable 'Id'; known: PipelineExecutionId"),
        ("Steps.Train.ModelArtifacts", "step Train, which has no result"),
        ("Steps.Evaluate.Nothing", "step Evaluate has no Nothing; there it has ProcessingOutputConfig"),
        ("Steps.Evaluate", "cannot read the reference"),
        ("Anything", "cannot read the reference"),
    ],
)
def test_a_reference_to_nothing_says_what_there_is(target: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        resolve({"Get": target}, scope())


def test_a_join_of_a_structure_is_refused() -> None:
    with pytest.raises(BadInput, match="Std:Join can join text and numbers"):
        resolve(join({"Get": "Steps.Evaluate.FinalMetricDataList"}), scope())


def test_json_get_reads_a_property_file_or_an_address() -> None:
    assert resolve(json_get("Evaluate", "metrics.loss.value"), scope()) == 0.5
    assert resolve(json_get("Evaluate", "rows[0].n"), scope()) == 3
    assert resolve(json_get("Evaluate", "metrics['loss'].value"), scope()) == 0.5
    by_address = {"Std:JsonGet": {"S3Uri": join(output_of("Evaluate"), "report.json", on="/"), "Path": "t"}}
    assert resolve(by_address, scope()) == "ọ"


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("metrics.bleu", r"s3://b/runs/1/out/report.json has no metrics.bleu; there it has loss"),
        ("metrics", "Std:JsonGet reads text, numbers, true and false"),
    ],
)
def test_json_get_fails_with_the_address_where_there_is_no_value(path: str, message: str) -> None:
    with pytest.raises(StepFailed, match=message):
        resolve(json_get("Evaluate", path), scope())


def test_a_number_that_json_does_not_have_is_refused() -> None:
    with pytest.raises(StepFailed, match=r"s3://b/broken\.json is not JSON: NaN is not a JSON number"):
        resolve({"Std:JsonGet": {"S3Uri": "s3://b/broken.json", "Path": "loss"}}, scope())


def test_a_missing_property_file_fails_with_its_address(tmp_path: Any) -> None:
    with pytest.raises(StepFailed, match=r"there is no object s3://b-b/runs/1/report\.json"):
        described = {"Evaluate": {"ProcessingOutputConfig": {"Outputs": [
            {"OutputName": "out", "S3Output": {"S3Uri": "s3://b-b/runs/1"}}
        ]}}}  # fmt: skip
        resolve(json_get("Evaluate", "x"), scope(steps=described, read=Store(tmp_path).read_text))


def test_a_property_file_that_no_step_declares_is_refused() -> None:
    with pytest.raises(BadInput, match="Other is not a property file that a step declares"):
        resolve(json_get("Evaluate", "x", file="Other"), scope())
