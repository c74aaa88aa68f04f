"""An account in memory: a registry group, a bucket, and versions as a run of the pipeline leaves them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws
from moto.sagemaker.models import sagemaker_backends

from pipeline.aws.packages import AwsPackages
from pipeline.aws.session import Account, connect
from pipeline.packages import Package
from steps.contract import DATA_REPORT
from tests.unit.review.conftest import training_seals  # noqa: F401 - a fixture of this room, too
from tests.unit.versions import make

NUMBER = "123456789012"  # moto's account
REGION = "us-east-1"
BUCKET = f"asusu-{NUMBER}-{REGION}"
GROUP = "asusu-igbo"
CALLER = f"arn:aws:sts::{NUMBER}:user/moto"
SOMEBODY = {
    "Arn": f"arn:aws:sts::{NUMBER}:assumed-role/operator/ada@example.org",
    "PrincipalId": "AROAX:ada@example.org",
}


@dataclass(frozen=True)
class Office:
    """The registry under test, and what tests arrange behind it."""

    packages: AwsPackages
    account: Account
    folder: Path

    def start(self, creator: dict[str, str] | None, name: str = GROUP) -> str:
        """An execution that somebody started; its ARN."""
        client = self.account.sagemaker
        if name not in [row["PipelineName"] for row in client.list_pipelines()["PipelineSummaries"]]:
            client.create_pipeline(
                PipelineName=name,
                PipelineDefinition="{}",
                RoleArn=f"arn:aws:iam::{NUMBER}:role/pipeline",
                ClientRequestToken="x" * 32,
            )
        arn: str = client.start_pipeline_execution(PipelineName=name)["PipelineExecutionArn"]
        pipeline = next(
            row for row in sagemaker_backends[NUMBER][REGION].pipelines.values() if row.pipeline_name == name
        )
        pipeline.pipeline_executions[arn].created_by = {"IamIdentity": creator} if creator else {}
        return arn

    def register(
        self, value: float, creator: dict[str, str] | None = SOMEBODY, group: str = GROUP, **changes: Any
    ) -> str:
        """A version whose adapter holds one number; returns `group/version`."""
        execution = self.start(creator)
        run = execution.rsplit("/", 1)[-1]
        made = make(self.folder / str(value), value)
        model, evaluation = f"training/{run}/job/output/model.tar.gz", f"runs/{run}/evaluation/evaluation.json"
        data = f"runs/{run}/data-report/{DATA_REPORT}"
        for file, key in ((made.archive, model), (made.evaluation, evaluation), (made.data, data)):
            self.account.s3.upload_file(str(file), BUCKET, key)
        if group not in self.groups():
            self.account.sagemaker.create_model_package_group(ModelPackageGroupName=group)
        request = {
            "ModelPackageGroupName": group,
            "ModelApprovalStatus": "PendingManualApproval",
            "InferenceSpecification": {
                "Containers": [{"Image": "image", "ModelDataUrl": f"s3://{BUCKET}/{model}"}],
                "SupportedContentTypes": ["application/json"],
                "SupportedResponseMIMETypes": ["application/json"],
            },
            "ModelMetrics": made.metrics(f"s3://{BUCKET}/{evaluation}", f"s3://{BUCKET}/{data}"),
            "CustomerMetadataProperties": made.metadata | {"execution": run, "execution_arn": execution},
        }
        arn: str = self.account.sagemaker.create_model_package(**{**request, **changes})["ModelPackageArn"]
        return f"{group}/{arn.rsplit('/', 1)[-1]}"

    def groups(self) -> list[str]:
        """Names of the groups."""
        rows = self.account.sagemaker.list_model_package_groups()["ModelPackageGroupSummaryList"]
        return [row["ModelPackageGroupName"] for row in rows]

    def package(self, name: str) -> Package:
        """A version by `group/version`."""
        group, version = name.split("/")
        return next(
            row
            for row in self.packages.packages()
            if (row["ModelPackageGroupName"], str(row["ModelPackageVersion"])) == (group, version)
        )

    def restore_metadata(self, package: Package) -> None:
        """The service keeps metadata that an update does not name; moto drops it."""
        backend = sagemaker_backends[NUMBER][REGION]
        name = backend.model_package_name_mapping.get(package["ModelPackageArn"], package["ModelPackageArn"])
        backend.model_packages[name].customer_metadata_properties = package["CustomerMetadataProperties"]


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    """moto in this process: no network, no credentials of anybody."""
    for name in ("AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with mock_aws():
        account = connect(REGION)
        account.s3.create_bucket(Bucket=BUCKET)
        yield Office(AwsPackages(account), account, tmp_path)


@pytest.fixture
def asusu(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """`asusu` in this process, where moto answers: exit code, stdout, stderr."""
    from pipeline.cli.main import main

    def call(*arguments: str, account: str = NUMBER, env: str = "production") -> tuple[int, str, str]:
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.setattr("sys.argv", ["asusu", *arguments, "--env", env, "--account", account])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return call
