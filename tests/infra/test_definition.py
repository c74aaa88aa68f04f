"""The roles against the compiled production definition: enough for each step, and not more than its prefixes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import pytest

from pipeline.definition import Definition, Step, compile_recipe, read
from pipeline.settings import Settings, load
from tests.infra.policies import Context, Policies
from tests.infra.templates import ACCOUNT, BUCKET, HERE, REGION, resolve
from tests.infra.templates import read as read_templates

RUN = "abc123"
PARAMETERS = {
    "CorpusUri": f"s3://{BUCKET}/corpora/0123",
    "BaseModelUri": f"s3://{BUCKET}/base-models/4567",
    "ResumeFrom": "earlier",
}
JOBS = ("asusu-prepare", "asusu-train", "asusu-evaluate")
PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
KEY = f"arn:aws:kms:{HERE}:key/0000-key"


@cache
def committed() -> Definition:
    """The definition that the package ships, with production's values in the slots that differ between environments.

    tests/unit/test_definition.py holds the environments to those slots; compiling takes ten seconds and has the slow test.
    """
    text = (files("pipeline") / "compiled" / "igbo.local.json").read_text(encoding="utf-8")
    for local, ours in (
        ("asusu-local", BUCKET),
        ("000000000000", ACCOUNT),
        ('"local/asusu-', f'"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/asusu-'),
    ):
        assert local in text
        text = text.replace(local, ours)
    return read(text)


@cache
def compiled(prepare_hosts: int) -> Definition:
    """The production definition as `asusu compile` makes it."""
    settings = load("production", {"account": ACCOUNT})
    wide = Settings.model_validate(settings.model_dump() | {"prepare_hosts": prepare_hosts})
    return read(compile_recipe("igbo", wide))


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(committed, id="committed"),
        pytest.param(lambda: compiled(1), id="compiled", marks=pytest.mark.slow),
        pytest.param(lambda: compiled(3), id="compiled for three hosts", marks=pytest.mark.slow),
    ],
)
def definition(request: pytest.FixtureRequest) -> Definition:
    found: Definition = request.param()
    return found


@pytest.fixture(scope="module")
def policies() -> Policies:
    return Policies(resolve(read_templates()))


@dataclass(frozen=True)
class Job:
    """A step that is a job, with addresses as at run time."""

    step: Step
    arguments: Mapping[str, Any]

    @property
    def role(self) -> str:
        return str(self.arguments["RoleArn"]).rsplit("/", 1)[1]

    @property
    def mounts(self) -> list[str]:
        inputs = [row["S3Input"]["S3Uri"] for row in self.arguments.get("ProcessingInputs", [])]
        channels = self.arguments.get("InputDataConfig", [])
        return [*inputs, *(row["DataSource"]["S3DataSource"]["S3Uri"] for row in channels)]

    @property
    def leaves(self) -> list[str]:
        if self.step.type == "Training":
            return [self.arguments["OutputDataConfig"]["S3OutputPath"]]
        return [row["S3Output"]["S3Uri"] for row in self.arguments["ProcessingOutputConfig"]["Outputs"]]

    @property
    def checkpoints(self) -> list[str]:
        return [self.arguments["CheckpointConfig"]["S3Uri"]] if "CheckpointConfig" in self.arguments else []

    @property
    def image(self) -> str:
        specification = self.arguments.get("AppSpecification") or self.arguments["AlgorithmSpecification"]
        return str(specification.get("ImageUri") or specification["TrainingImage"])

    @property
    def machine(self) -> Mapping[str, Any]:
        machine: Mapping[str, Any] = (
            self.arguments.get("ResourceConfig") or self.arguments["ProcessingResources"]["ClusterConfig"]
        )
        return machine


def jobs(definition: Definition) -> Iterator[Job]:
    for step in definition.steps:
        if step.type in ("Processing", "Training"):
            yield Job(step, at_run_time(definition, step.arguments))


def at_run_time(definition: Definition, value: Any) -> Any:
    """Addresses as the service makes them; what an address does not need stays as it is."""
    if isinstance(value, list):
        return [at_run_time(definition, item) for item in value]
    if not isinstance(value, dict):
        return value
    if "Std:Join" in value:
        return value["Std:Join"]["On"].join(map(str, at_run_time(definition, value["Std:Join"]["Values"])))
    if "Get" in value:
        return _got(definition, *str(value["Get"]).split(".", 2))
    return {name: at_run_time(definition, item) for name, item in value.items()}


def _got(definition: Definition, kind: str, name: str, path: str = "") -> Any:
    """What `{"Get": "kind.name.path"}` stands for."""
    if kind == "Parameters":
        defaults = {row.name: row.default for row in definition.parameters}
        return PARAMETERS.get(name, defaults.get(name))
    if kind == "Execution":
        return RUN
    if path == "ModelArtifacts.S3ModelArtifacts":
        return f"s3://{BUCKET}/training/{RUN}/pipelines-{RUN}-{name}-x/output/model.tar.gz"
    rows = definition.step(name).arguments["ProcessingOutputConfig"]["Outputs"]
    output = path.split("'")[1]
    return at_run_time(definition, next(row["S3Output"]["S3Uri"] for row in rows if row["OutputName"] == output))


def object_below(address: str) -> str:
    """ARN of an object that a mounted or written address stands for."""
    name = address.removeprefix("s3://")
    return f"arn:aws:s3:::{name}" if "." in name.rsplit("/", 1)[-1] else f"arn:aws:s3:::{name.rstrip('/')}/folder/file"


def prefix_of(address: str) -> Context:
    return {"s3:prefix": address.removeprefix(f"s3://{BUCKET}/")}


def test_a_job_reads_what_it_mounts(definition: Definition, policies: Policies) -> None:
    for job in jobs(definition):
        for address in [*job.mounts, *job.checkpoints]:
            assert policies.allows(job.role, "s3:GetObject", object_below(address)), (job.step.name, address)
            assert policies.allows(job.role, "s3:ListBucket", f"arn:aws:s3:::{BUCKET}", prefix_of(address)), address


def test_a_job_writes_what_it_leaves(definition: Definition, policies: Policies) -> None:
    for job in jobs(definition):
        for address in [*job.leaves, *job.checkpoints]:
            for action in ("s3:PutObject", "s3:AbortMultipartUpload"):
                assert policies.allows(job.role, action, object_below(address)), (job.step.name, action, address)
        for address in job.checkpoints:  # the platform repeats in S3 what the trainer renames
            assert policies.allows(job.role, "s3:DeleteObject", object_below(address))


def test_a_job_reads_and_writes_nothing_of_other_steps(definition: Definition, policies: Policies) -> None:
    every = list(jobs(definition))
    places = {address for job in every for address in [*job.mounts, *job.leaves, *job.checkpoints]}
    for role in JOBS:
        own = [job for job in every if job.role == role]
        written = {object_below(address) for job in own for address in [*job.leaves, *job.checkpoints]}
        read_ones = {object_below(address) for job in own for address in [*job.mounts, *job.checkpoints]}
        for place in map(object_below, places):
            if policies.allows(role, "s3:PutObject", place):
                assert place.split("/")[1] != "runs" or place in written, (role, place)
                assert any(place.split("/")[:2] == one.split("/")[:2] for one in written), (role, place)
            if policies.allows(role, "s3:GetObject", place):
                assert any(place.split("/")[:2] == one.split("/")[:2] for one in read_ones), (role, place)
                assert place.split("/")[1] != "runs" or place in read_ones | written, (role, place)


@pytest.mark.parametrize("role", JOBS)
def test_no_job_writes_what_is_published_or_deployed(policies: Policies, role: str) -> None:
    for key in (
        "corpora/a/x",
        "base-models/a/x",
        "champion/asusu-igbo/x",
        "checkpoints/none/x",
        "pipelines/x",
        "functions/x",
    ):
        assert not policies.allows(role, "s3:PutObject", f"arn:aws:s3:::{BUCKET}/{key}")


def test_only_training_deletes_and_only_checkpoints(policies: Policies) -> None:
    for role in JOBS:
        for top in ("runs", "training", "corpora", "base-models", "champion"):
            assert not policies.allows(role, "s3:DeleteObject", f"arn:aws:s3:::{BUCKET}/{top}/{RUN}/x")
        assert policies.allows(role, "s3:DeleteObject", f"arn:aws:s3:::{BUCKET}/checkpoints/{RUN}/x") == (
            role == "asusu-train"
        )


def test_preparing_never_reads_the_weights_of_the_base_model(policies: Policies) -> None:
    weights = f"arn:aws:s3:::{BUCKET}/base-models/4567/model/model.safetensors"
    assert [role for role in JOBS if policies.allows(role, "s3:GetObject", weights)] == [
        "asusu-train",
        "asusu-evaluate",
    ]


def test_a_job_pulls_its_image_and_no_other(definition: Definition, policies: Policies) -> None:
    every = list(jobs(definition))
    repositories = {job.image.split("@")[0].rsplit("/", 1)[1] for job in every}
    for role in JOBS:
        own = {job.image.split("@")[0].rsplit("/", 1)[1] for job in every if job.role == role}
        for name in repositories:
            arn = f"arn:aws:ecr:{HERE}:repository/{name}"
            assert [policies.allows(role, action, arn) for action in PULL] == [name in own] * 3
        assert policies.allows(role, "ecr:GetAuthorizationToken", "*")


def test_a_job_writes_its_log_its_metrics_and_with_the_key(definition: Definition, policies: Policies) -> None:
    for job in jobs(definition):
        group = f"/aws/sagemaker/{job.step.type}Jobs"
        stream = f"arn:aws:logs:{HERE}:log-group:{group}:log-stream:job/algo-1"
        assert policies.allows(job.role, "logs:PutLogEvents", stream)
        assert policies.allows(job.role, "cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": group})
        assert not policies.allows(job.role, "cloudwatch:PutMetricData", "*", {"cloudwatch:namespace": "AWS/Billing"})
        assert all(policies.allows(job.role, action, KEY) for action in ("kms:Decrypt", "kms:GenerateDataKey"))
        key = job.arguments.get("OutputDataConfig", {}).get("KmsKeyId", "")
        if (
            key and ":key/" not in key
        ):  # the API reference of OutputDataConfig: an id or an alias asks for more than an ARN
            assert policies.allows(job.role, "kms:Encrypt", KEY), job.step.name
    assert any("OutputDataConfig" in job.arguments for job in jobs(definition))


def test_a_grant_is_for_those_who_encrypt_a_volume(definition: Definition, policies: Policies) -> None:
    with_volume = {job.role for job in jobs(definition) if "VolumeKmsKeyId" in job.machine}
    for_a_volume = {"kms:GrantIsForAWSResource": "true"}
    assert {role for role in JOBS if policies.allows(role, "kms:CreateGrant", KEY, for_a_volume)} == with_volume
    assert not any(policies.allows(role, "kms:CreateGrant", KEY) for role in JOBS)


def test_the_pipeline_creates_each_job_on_each_machine_it_offers(definition: Definition, policies: Policies) -> None:
    machines = next(row.choices for row in definition.parameters if row.name == "TrainingInstanceType")
    for job in jobs(definition):
        for machine in machines if job.step.type == "Training" else [job.machine["InstanceType"]]:
            allowed = {action: policies.allows("asusu-pipeline", *rest) for action, *rest in _of_job(job, machine)}
            assert all(allowed.values()), (job.step.name, machine, allowed)


@pytest.mark.parametrize(
    "wrong",
    [
        {"sagemaker:NetworkIsolation": "false"},
        {"sagemaker:NetworkIsolation": []},
        {"sagemaker:InstanceTypes": ["ml.p5.48xlarge"]},
        {"sagemaker:InstanceTypes": ["ml.g5.xlarge", "ml.p5.48xlarge"]},
        {"sagemaker:InstanceTypes": []},
        {"sagemaker:MaxRuntimeInSeconds": 2419200},
        {"sagemaker:MaxRuntimeInSeconds": []},
    ],
    ids=str,
)
def test_the_pipeline_creates_no_job_past_the_limits(policies: Policies, wrong: dict[str, Any]) -> None:
    for job in jobs(committed()):
        _, action, arn, context = next(iter(_of_job(job, "ml.g5.xlarge")))
        assert policies.allows("asusu-pipeline", action, arn, context)
        assert not policies.allows("asusu-pipeline", action, arn, {**context, **wrong})


def _of_job(job: Job, machine: str) -> Iterator[tuple[str, str, str, Context]]:
    kind = job.step.type.lower()
    arn = f"arn:aws:sagemaker:{HERE}:{kind}-job/pipelines-{RUN}-{job.step.name}-x"
    isolated = job.arguments.get("NetworkConfig", job.arguments)["EnableNetworkIsolation"]
    asked = {
        "sagemaker:InstanceTypes": [machine],
        "sagemaker:MaxRuntimeInSeconds": job.arguments["StoppingCondition"]["MaxRuntimeInSeconds"],
        "sagemaker:NetworkIsolation": str(isolated).lower(),
    }
    yield "create", f"sagemaker:Create{job.step.type}Job", arn, asked
    yield "pass", "iam:PassRole", str(job.arguments["RoleArn"]), {}
    for verb, action in (("describe", "Describe"), ("stop", "Stop")):
        yield verb, f"sagemaker:{action}{job.step.type}Job", arn, {}
    yield "tag", "sagemaker:AddTags", arn, {}


def test_the_pipeline_reads_the_property_files_and_no_other_output(definition: Definition, policies: Policies) -> None:
    read_ones = set()
    for job in jobs(definition):
        outputs = dict(zip(_outputs(job), job.leaves, strict=True)) if job.step.type == "Processing" else {}
        read_ones |= {f"{outputs[file.output]}/{file.path}" for file in job.step.property_files}
        for name, address in outputs.items():
            mine = any(file.output == name for file in job.step.property_files)
            assert policies.allows("asusu-pipeline", "s3:GetObject", object_below(address)) == mine
    assert len(read_ones) == 2
    assert all(policies.allows("asusu-pipeline", "s3:GetObject", object_below(address)) for address in read_ones)


def _outputs(job: Job) -> list[str]:
    return [row["OutputName"] for row in job.arguments["ProcessingOutputConfig"]["Outputs"]]


def test_the_pipeline_registers_and_leaves_approval_to_people(definition: Definition, policies: Policies) -> None:
    arguments = next(step for step in definition.steps if step.type == "RegisterModel").arguments
    group = arguments["ModelPackageGroupName"]
    for arn in (f"model-package-group/{group}", f"model-package/{group}/7"):
        resource = f"arn:aws:sagemaker:{HERE}:{arn}"
        for status in (arguments["ModelApprovalStatus"], "Approved", "Rejected"):
            allowed = policies.allows(
                "asusu-pipeline", "sagemaker:CreateModelPackage", resource, {"sagemaker:ModelApprovalStatus": status}
            )
            assert allowed == (status == "PendingManualApproval")
    made = {
        row.properties["ModelPackageGroupName"] for row in resolve(read_templates()) if "Group" in row.type and row.kept
    }
    assert group in made


def test_what_is_registered_is_written_by_evaluation_alone_and_published_from_there(
    definition: Definition, policies: Policies
) -> None:
    arguments = next(step for step in definition.steps if step.type == "RegisterModel").arguments
    (container,) = arguments["InferenceSpecification"]["Containers"]
    registered = object_below(at_run_time(definition, container["ModelDataUrl"]))
    assert registered == f"arn:aws:s3:::{BUCKET}/runs/{RUN}/bundle/model.tar.gz"
    assert [role for role in policies.roles if policies.allows(role, "s3:PutObject", registered)] == ["asusu-evaluate"]
    assert policies.allows("asusu-champion", "s3:GetObject", registered)
    for other in (f"training/{RUN}/job/output/model.tar.gz", f"runs/{RUN}/splits/x", "base-models/a/x"):
        assert not policies.allows("asusu-champion", "s3:GetObject", f"arn:aws:s3:::{BUCKET}/{other}")


def test_the_pipeline_keeps_its_experiment(policies: Policies) -> None:
    experiment = committed().raw["PipelineExperimentConfig"]
    assert experiment["ExperimentName"] == {"Get": "Execution.PipelineName"}
    for action, kind, name in (
        ("CreateExperiment", "experiment", "asusu-igbo"),
        ("CreateTrial", "experiment-trial", RUN),
        ("AssociateTrialComponent", "experiment-trial-component", f"pipelines-{RUN}-x"),
    ):
        assert policies.allows("asusu-pipeline", f"sagemaker:{action}", f"arn:aws:sagemaker:{HERE}:{kind}/{name}")


def test_the_approver_may_change_no_fact_that_the_pipeline_registers(policies: Policies) -> None:
    facts = next(step for step in committed().steps if step.type == "RegisterModel").arguments[
        "CustomerMetadataProperties"
    ]
    asked = ("asusu-approver", "sagemaker:UpdateModelPackage", f"arn:aws:sagemaker:{HERE}:model-package/asusu-igbo/1")
    decided = {"sagemaker:ModelApprovalStatus": "Approved"}
    assert policies.allows(*asked, decided)
    assert len(facts) > 30
    for name in facts:
        changed = {**decided, f"sagemaker:CustomerMetadataProperties/{name}": "other"}
        assert not policies.allows(*asked, changed), name


def test_inline_policies_fit_into_the_service(policies: Policies) -> None:
    """IAM takes 10,240 characters of inline policies a role, blanks not counted, and 6,144 of a managed one."""
    for name, statements in {**policies.roles, **policies.managed}.items():
        rows = [dict(row.row) for row in statements]
        assert len(json.dumps(rows, separators=(",", ":"))) < (6144 if name in policies.managed else 10240), name
