from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipeline.definition import read
from pipeline.errors import BadInput
from pipeline.local.environment import JobKind
from pipeline.local.launch import Processes
from pipeline.local.names import execution_variables
from pipeline.local.requests import LATER, check_requests, passed_over, resolve_early
from pipeline.local.resolver import Scope
from tests.unit.local.pipelines import BUCKET, checkpoints, definition, join, output_of, parameter, processing, training

NOWHERE = Path("job.py")
SCOPE = Scope({"Name": "igbo", "Uri": "s3://bucket/corpus/"}, execution_variables("a" * 12, "p", "now", "now"))


def check(*steps: dict[str, Any]) -> None:
    check_requests(read(definition(*steps)), SCOPE, Processes().check)


def test_what_hangs_on_another_step_is_left_for_later() -> None:
    value = {"a": output_of("Prepare"), "b": [join("x", parameter("Name")), join(output_of("Prepare"), "y")]}
    assert resolve_early(value, SCOPE) == {"a": LATER, "b": ["xigbo", LATER]}


def test_sound_jobs_pass() -> None:
    first = processing("Prepare", NOWHERE, {"corpus": f"{BUCKET}/corpus"})
    check(first, training("Train", NOWHERE, {"data": output_of("Prepare")}, arguments=checkpoints()))


@pytest.mark.parametrize("kind", ["Processing", "Training"])
def test_an_image_without_a_program_here_is_refused_by_the_name_of_its_step(kind: JobKind) -> None:
    if kind == "Processing":
        step = processing("Prepare", NOWHERE, arguments={"AppSpecification": {"ImageUri": "local/unknown:1"}})
    else:
        specification = {"TrainingImage": "local/unknown:1", "TrainingInputMode": "File"}
        step = training("Prepare", NOWHERE, arguments={"AlgorithmSpecification": specification})
    with pytest.raises(BadInput, match=f"step Prepare: {kind} image 'local/unknown:1' has no program"):
        check(step)


def s3_input(**changes: Any) -> dict[str, Any]:
    source = {"S3Uri": f"{BUCKET}/corpus", "LocalPath": "/opt/ml/processing/input/x", **changes}
    return {"ProcessingInputs": [{"InputName": "x", "S3Input": source}]}


def channel(**changes: Any) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": f"{BUCKET}/data", **changes.pop("source", {})}
    return {"InputDataConfig": [{"ChannelName": "x", "DataSource": {"S3DataSource": source}, **changes}]}


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (
            processing("S", NOWHERE, arguments=s3_input(S3DataType="ManifestFile")),
            r"S3Input.S3DataType is 'ManifestFile'",
        ),
        (processing("S", NOWHERE, arguments=s3_input(S3InputMode="Pipe")), "the local run serves File"),
        (
            processing("S", NOWHERE, arguments={"ProcessingInputs": [{"InputName": "x", "DatasetDefinition": {}}]}),
            r"ProcessingInputs\[0\].S3Input.S3Uri is missing",
        ),
        (
            processing("S", NOWHERE, arguments={"ProcessingResources": {"ClusterConfig": {"InstanceCount": 21}}}),
            "InstanceCount is 21; the local run serves 1 to 20",
        ),
        (training("S", NOWHERE, arguments=channel(InputMode="Pipe")), r"InputDataConfig\[0\].InputMode is 'Pipe'"),
        (training("S", NOWHERE, arguments=channel(source={"S3DataType": "AugmentedManifestFile"})), "S3DataType"),
        (training("S", NOWHERE, arguments={"OutputDataConfig": {}}), "OutputDataConfig.S3OutputPath is missing"),
        (training("S", NOWHERE, arguments={"Environment": {"X": "x" * 513}}), "the limit is 512"),
        (training("S", NOWHERE, arguments={"CheckpointConfig": {"S3Uri": "checkpoints"}}), "not an S3 address"),
    ],
)
def test_what_this_machine_cannot_serve_is_refused_with_step_and_field(step: dict[str, Any], message: str) -> None:
    with pytest.raises(BadInput, match=f"step S: .*{message}"):
        check(step)


def test_spot_machines_are_accepted_and_said_to_be_ignored() -> None:
    wait = {"StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 120}}
    spot = {"EnableManagedSpotTraining": True, **checkpoints(), **wait}
    steps = [training("Canary", NOWHERE), training("Train", NOWHERE, arguments=spot)]
    check(*steps)
    assert passed_over(read(definition(*steps[:1]))) == []
    [sentence] = passed_over(read(definition(*steps)))
    assert sentence.startswith("Train asks for spot machines")


def test_machines_that_train_together_are_refused_with_what_to_do() -> None:
    with pytest.raises(
        BadInput, match="step Train: ResourceConfig.InstanceCount is 2; the local run serves 1"
    ) as refused:
        check(training("Train", NOWHERE, arguments={"ResourceConfig": {"InstanceCount": 2}}))
    assert "training_hosts to 1" in str(refused.value.hint)


def test_an_address_with_two_slashes_is_refused_before_anything_runs() -> None:
    step = processing("S", NOWHERE, {"corpus": join(parameter("Uri"), "manifest.json", on="/")})
    with pytest.raises(BadInput, match=r"step S: .* two slashes in a row"):
        check(step)


def test_a_metric_without_a_readable_expression_is_refused() -> None:
    specification = {
        "TrainingImage": "any",
        "ContainerEntrypoint": ["python"],
        "MetricDefinitions": [{"Name": "loss", "Regex": "loss=(["}],
    }
    with pytest.raises(BadInput, match=r"step S: the Regex .* of metric loss cannot be read"):
        check(training("S", NOWHERE, arguments={"AlgorithmSpecification": specification}))
