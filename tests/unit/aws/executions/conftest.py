"""An account in memory with the shipped pipeline deployed, and executions whose steps a test sets as it likes.

moto knows no steps, no stop and no retry: these operations are added to it here. Every request for an execution is held
against the service's own shape of it, as the service would, and so are the steps that are answered.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

import botocore.session
import pytest
from botocore.loaders import Loader
from moto import mock_aws
from moto.core.responses import ActionResult
from moto.sagemaker.models import sagemaker_backends
from moto.sagemaker.responses import SageMakerResponse

from pipeline.aws.executions import Executions
from pipeline.aws.session import Account, connect
from pipeline.estimate import MISTRAL_7B
from steps.contract import MANIFEST, BaseModelManifest, CorpusManifest, CorpusSource
from tests.account.shapes import problems

NUMBER = "123456789012"  # moto's account
REGION = "us-east-1"
BUCKET = f"asusu-{NUMBER}-{REGION}"
NAME = "asusu-igbo"
LOADER = Loader()  # shared, so that the services' models, megabytes of JSON, are read once and not for every command
BEGAN = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
CORPUS, MODEL = f"s3://{BUCKET}/corpora/small", f"s3://{BUCKET}/base-models/mistral"


@dataclass
class Plant:
    """The account, and what tests arrange behind it. `asked` are the requests that it got, by operation."""

    account: Account
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    steps: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    tokens: dict[str, Any] = field(default_factory=dict)

    @property
    def executions(self) -> Executions:
        return Executions(self.account, NAME, " --env production")

    def deploy(self, text: str | None = None) -> None:
        """The shipped definition, in this account's bucket."""
        shipped = (files("pipeline") / "compiled" / "igbo.local.json").read_text(encoding="utf-8")
        self.account.sagemaker.create_pipeline(
            PipelineName=NAME,
            PipelineDefinition=text or shipped.replace("asusu-local", BUCKET),
            RoleArn=f"arn:aws:iam::{NUMBER}:role/asusu-pipeline",
            ClientRequestToken="x" * 32,
        )

    def publish(self, pairs: int = 20_000, address: str = CORPUS) -> None:
        """A corpus of so many pairs and Mistral-7B, as far as a judgement reads them."""
        corpus = CorpusManifest(
            name="news",
            languages=["en", "ig"],
            sources=[CorpusSource(name="news", licence="CC0", format="tsv", paths=["data/a.tsv"], lines=pairs)],
            files=[],
            pairs=pairs,
            words={"en": 20 * pairs, "ig": 22 * pairs},
            fingerprint="small",
        )
        model = BaseModelManifest(
            name="mistral-7b",
            revision="0",
            licence="Apache-2.0",
            architecture="MistralForCausalLM",
            parameters=7_241_732_096,
            vocabulary=32_000,
            shape=MISTRAL_7B,
            files=[],
            fingerprint="mistral",
        )
        for where, manifest in ((address, corpus), (MODEL, model)):
            key = where.removeprefix(f"s3://{BUCKET}/") + f"/{MANIFEST}"
            self.account.s3.put_object(Bucket=BUCKET, Key=key, Body=manifest.model_dump_json())

    def begun(self, status: str = "Executing", *steps: dict[str, Any], reason: str = "", **parameters: str) -> str:
        """An execution in some state; its id."""
        rows = [{"Name": name, "Value": value} for name, value in parameters.items()]
        arn: str = self.account.sagemaker.start_pipeline_execution(
            PipelineName=NAME, PipelineParameters=rows, ClientRequestToken=uuid.uuid4().hex
        )["PipelineExecutionArn"]
        self.asked.clear()
        self.steps[arn] = list(steps)
        self.becomes(arn.rsplit("/", 1)[-1], status, reason)
        return arn.rsplit("/", 1)[-1]

    def arn(self, execution_id: str) -> str:
        return f"arn:aws:sagemaker:{REGION}:{NUMBER}:pipeline/{NAME}/execution/{execution_id}"

    def becomes(self, execution_id: str, status: str, reason: str = "", *steps: dict[str, Any]) -> None:
        """Another state of an execution."""
        made = sagemaker_backends[NUMBER][REGION].pipelines[NAME].pipeline_executions[self.arn(execution_id)]
        made.pipeline_execution_status, made.pipeline_execution_failure_reason = status, reason
        if steps:
            self.steps[self.arn(execution_id)] = list(steps)

    def log(self, job: str, *lines: str, kind: str = "Training", stream: str = "algo-1-1", every: int = 60) -> None:
        """Lines of a job's log, so many seconds apart, the last one now."""
        client, group = self.account.client("logs"), f"/aws/sagemaker/{kind}Jobs"
        if not client.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
            client.create_log_group(logGroupName=group)
        client.create_log_stream(logGroupName=group, logStreamName=f"{job}/{stream}")
        now = int(datetime.now(UTC).timestamp())
        moments = [1000 * (now - every * (len(lines) - 1 - number)) for number in range(len(lines))]
        events = [{"timestamp": at, "message": text} for at, text in zip(moments, lines, strict=True)]
        client.put_log_events(logGroupName=group, logStreamName=f"{job}/{stream}", logEvents=events)

    def requests(self, operation: str) -> list[dict[str, Any]]:
        """What was asked of one operation since the last `begun`."""
        return [request for name, request in self.asked if name == operation]


def step(
    name: str, status: str = "Succeeded", kind: str = "TrainingJob", minutes: int = 0, **more: Any
) -> dict[str, Any]:
    """A row of ListPipelineExecutionSteps, its job named after the step."""
    began = BEGAN + timedelta(minutes=minutes)
    arn = f"arn:aws:sagemaker:{REGION}:{NUMBER}:{'training' if kind == 'TrainingJob' else 'processing'}-job/job-{name}"
    metadata = more.pop("Metadata", {kind: {"Arn": arn}} if kind else {})
    ended = {} if status == "Executing" else {"EndTime": (began + timedelta(minutes=5)).timestamp()}
    return {
        "StepName": name,
        "StepStatus": status,
        "StartTime": began.timestamp(),
        "Metadata": metadata,
        **ended,
        **more,
    }


DONE = [
    step("Preflight", kind="ProcessingJob"),
    step("PrepareCorpus", kind="ProcessingJob", minutes=5),
    step("TokenizeExamples", kind="ProcessingJob", minutes=10),
    step("CanaryTrain", minutes=15),
    step("CanaryResume", minutes=20),
]


@pytest.fixture(scope="session")
def clients() -> Account:
    """Made once: a client of SageMaker takes half a second."""
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        patch.setattr(botocore.session, "create_loader", lambda paths=None: LOADER)
        account = connect(REGION)
        for service in ("sagemaker", "s3", "logs"):
            account.client(service)
    return account


@pytest.fixture
def plant(monkeypatch: pytest.MonkeyPatch, clients: Account) -> Iterator[Plant]:
    """The pipeline deployed, a corpus and a base model published, nothing started."""
    for name in ("AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr(botocore.session, "create_loader", lambda paths=None: LOADER)
    with mock_aws():
        made = Plant(clients)
        _extend(monkeypatch, made)
        made.account.s3.create_bucket(Bucket=BUCKET)
        made.deploy()
        made.publish()
        made.asked.clear()
        yield made


def _extend(monkeypatch: pytest.MonkeyPatch, made: Plant) -> None:
    """Add to moto what it lacks, and hold the requests of executions against their shapes."""
    theirs = SageMakerResponse.start_pipeline_execution
    names = {
        "list_pipeline_execution_steps": lambda request: {
            "PipelineExecutionSteps": made.steps[request["PipelineExecutionArn"]]
        },
        "stop_pipeline_execution": lambda request: {"PipelineExecutionArn": request["PipelineExecutionArn"]},
        "retry_pipeline_execution": lambda request: {"PipelineExecutionArn": request["PipelineExecutionArn"]},
        "describe_training_job": lambda request: made.jobs.get(request["TrainingJobName"], {}),
        "describe_processing_job": lambda request: made.jobs.get(request["ProcessingJobName"], {}),
    }

    def checked(operation: str, answer: Callable[[Any, dict[str, Any]], Any]) -> Callable[[Any], Any]:
        camel = "".join(word.title() for word in operation.split("_"))

        def respond(self: Any) -> Any:
            request = json.loads(self.body)
            assert problems("SageMaker", camel, request) == []
            made.asked.append((operation, request))
            return answer(self, request)

        return respond

    for operation, fixed in names.items():
        method = checked(operation, lambda self, request, fixed=fixed: ActionResult(fixed(request)))
        monkeypatch.setattr(SageMakerResponse, operation, method, raising=False)

    def begin(self: Any, request: dict[str, Any]) -> Any:
        """moto starts a second one for the same token."""
        token = request["ClientRequestToken"]
        if token not in made.tokens:
            made.tokens[token] = theirs(self)
        return made.tokens[token]

    monkeypatch.setattr(SageMakerResponse, "start_pipeline_execution", checked("start_pipeline_execution", begin))
