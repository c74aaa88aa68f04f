"""What the step builders share: addresses, parameters, and the two kinds of job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sagemaker.core.network import NetworkConfig
from sagemaker.core.processing import Processor
from sagemaker.core.shapes import ProcessingInput, ProcessingOutput, ProcessingS3Input, ProcessingS3Output
from sagemaker.core.training.configs import (
    CheckpointConfig,
    Compute,
    InputData,
    MetricDefinition,
    Networking,
    OutputDataConfig,
    StoppingCondition,
)
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join
from sagemaker.core.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.retry import (
    RetryPolicy,
    SageMakerJobExceptionTypeEnum,
    SageMakerJobStepRetryPolicy,
    StepExceptionTypeEnum,
    StepRetryPolicy,
)
from sagemaker.mlops.workflow.steps import CacheConfig, ProcessingStep, Step, TrainingStep
from sagemaker.train import ModelTrainer

from pipeline.settings import Settings
from steps.parameters import PARAMETERS, Parameter

Uri = Any  # a string or an SDK expression that resolves to one
CPU_INSTANCE = "ml.m5.xlarge"
GPU_INSTANCE = "ml.g5.xlarge"
HOUR = 3600
SHARED_OUT = ("cut",)  # inputs of which each host of several gets a part; the others come whole to every host

METRICS = {  # name -> regular expression over the JSON lines that the trainer prints; exponents included
    "train:loss": r'"event": "train".*"loss": ([-+0-9.eE]+)',
    "validation:loss": r'"event": "validation".*"loss": ([-+0-9.eE]+)',
    "train:tokens_per_second": r'"event": "train".*"tokens_per_second": ([-+0-9.eE]+)',
    "train:grad_norm": r'"event": "train".*"grad_norm": ([-+0-9.eE]+)',
    "train:step": r'"event": "train".*"step": ([0-9]+)',
}


def _sdk_parameter(row: Parameter) -> Any:
    if row.type == "String":
        return ParameterString(row.name, default_value=row.default, enum_values=list(row.choices) or None)
    kind = ParameterInteger if row.type == "Integer" else ParameterFloat
    return kind(row.name, default_value=row.default)


@dataclass(frozen=True)
class Blueprint:
    """What every builder needs: settings, the SDK session that only records, and the parameters by name.

    `name` is the pipeline's, and that of the registry group its models go to.
    """

    name: str
    settings: Settings
    session: PipelineSession
    languages: tuple[str, str]
    parameters: Mapping[str, Any]

    @classmethod
    def new(cls, name: str, settings: Settings, session: PipelineSession, languages: tuple[str, str]) -> Blueprint:
        """A blueprint with one SDK parameter per row of `steps.parameters`."""
        return cls(name, settings, session, languages, {row.name: _sdk_parameter(row) for row in PARAMETERS})

    def address(self, *parts: Uri) -> Uri:
        """`s3://bucket/part/part`; parts may be parameters and execution variables.

        An empty last part gives a final slash: a prefix without one also matches `champion-old` and `checkpoint-50`.
        """
        return Join(on="/", values=[f"s3://{self.settings.bucket}", *parts])

    def run_address(self, kind: str, *parts: Uri) -> Uri:
        """An address of this execution's own, e.g. `s3://bucket/runs/<execution id>/splits`."""
        return self.address(kind, ExecutionVariables.PIPELINE_EXECUTION_ID, *parts)

    def below(self, parameter: str, *parts: str) -> Uri:
        """An address below a folder that a parameter names."""
        return Join(on="/", values=[self.parameters[parameter], *parts])

    def text(self, *names: str) -> dict[str, Uri]:
        """Parameters as strings. A bare number reference in a string slot is refused by the service."""
        return {name: self.parameters[name].to_string() for name in names}

    def tags(self) -> list[dict[str, str]]:
        """The environment's tags as the SDK wants them."""
        return [{"Key": key, "Value": value} for key, value in self.settings.tags.items()]


def training_settings(plan: Blueprint) -> dict[str, str]:
    """What a step that plans the training must know of how it was deployed, as its environment's texts."""
    return {
        "Levers": plan.settings.levers.text(),
        "TrainingHosts": str(plan.settings.training_hosts),
        "MaxRuntimeSeconds": str(plan.settings.max_runtime_hours * HOUR),
        "StopMarginMinutes": str(plan.settings.stop_margin_minutes),
    }


def retries() -> list[RetryPolicy]:
    """Try again where waiting helps: no capacity, throttling, faults of the service. Never on the job's own failure."""
    return [
        SageMakerJobStepRetryPolicy(
            exception_types=[
                SageMakerJobExceptionTypeEnum.CAPACITY_ERROR,
                SageMakerJobExceptionTypeEnum.INTERNAL_ERROR,
            ],
            interval_seconds=300,
            backoff_rate=1.5,
            max_attempts=8,
        ),
        service_retry(),
    ]


def service_retry() -> StepRetryPolicy:
    """For throttling and faults of the service, on steps of every type."""
    return StepRetryPolicy(
        exception_types=[StepExceptionTypeEnum.THROTTLING, StepExceptionTypeEnum.SERVICE_FAULT],
        interval_seconds=30,
        backoff_rate=2.0,
        max_attempts=5,
    )


def processing_step(
    plan: Blueprint,
    name: str,
    *,
    program: str,
    role: str,
    description: str,
    inputs: Mapping[str, Uri],
    outputs: Sequence[str],
    environment: Mapping[str, Uri],
    hours: int,
    after: Sequence[Step] = (),
    instance: str = CPU_INSTANCE,
    cache_days: int | None = None,
    property_files: Sequence[PropertyFile] = (),
    hosts: int = 1,
    shared_out: Sequence[str] = (),
) -> ProcessingStep:
    """A processing job: `program` names the image, inputs and outputs are folders below /opt/ml/processing.

    With several hosts each gets some of the objects of the `shared_out` inputs and all of the others.
    """
    on_cpu = instance == CPU_INSTANCE  # g5 has local disks: a volume key is refused there
    processor = Processor(
        role=role,
        image_uri=getattr(plan.settings.images, program),
        instance_count=hosts,
        instance_type=instance,
        volume_size_in_gb=100,
        volume_kms_key=plan.settings.kms_key if on_cpu else None,
        output_kms_key=plan.settings.kms_key,
        max_runtime_in_seconds=hours * HOUR,
        env=dict(environment),
        tags=plan.tags(),
        network_config=NetworkConfig(enable_network_isolation=True),
        sagemaker_session=plan.session,
    )
    arguments = processor.run(
        inputs=[
            ProcessingInput(
                input_name=key,
                s3_input=ProcessingS3Input(
                    s3_uri=uri,
                    local_path=f"/opt/ml/processing/input/{key}",
                    s3_data_type="S3Prefix",
                    s3_input_mode="File",
                    s3_data_distribution_type="ShardedByS3Key" if key in shared_out else None,
                ),
            )
            for key, uri in inputs.items()
        ],
        outputs=[
            ProcessingOutput(
                output_name=key,
                s3_output=ProcessingS3Output(
                    s3_uri=plan.run_address("runs", key),
                    local_path=f"/opt/ml/processing/output/{key}",
                    s3_upload_mode="EndOfJob",
                ),
            )
            for key in outputs
        ],
    )
    return ProcessingStep(
        name=name,
        step_args=arguments,
        description=description,
        depends_on=list(after),
        cache_config=CacheConfig(enable_caching=True, expire_after=f"P{cache_days}D") if cache_days else None,
        property_files=list(property_files),
        retry_policies=retries(),
    )


def training_step(
    plan: Blueprint,
    name: str,
    *,
    description: str,
    channels: Mapping[str, Uri],
    hyperparameters: Mapping[str, Any],
    checkpoints: str,
    max_runtime_seconds: int,
    after: Sequence[Step],
    max_wait_seconds: int | None = None,
) -> TrainingStep:
    """A training job of the `train` image. Never cached: its checkpoint address holds the execution id.

    With `max_wait_seconds`, running and waiting together, it runs on spot machines.
    """
    stopping = {"max_wait_time_in_seconds": max_wait_seconds} if max_wait_seconds else {}
    trainer = ModelTrainer(
        sagemaker_session=plan.session,
        role=plan.settings.roles.train,
        training_image=plan.settings.images.train,
        training_input_mode="File",
        compute=Compute(
            instance_type=plan.parameters["TrainingInstanceType"],
            instance_count=plan.settings.training_hosts,
            volume_size_in_gb=200,
            enable_managed_spot_training=True if max_wait_seconds else None,
        ),
        networking=Networking(enable_network_isolation=True),
        stopping_condition=StoppingCondition(max_runtime_in_seconds=max_runtime_seconds, **stopping),
        checkpoint_config=CheckpointConfig(s3_uri=plan.run_address(checkpoints), local_path="/opt/ml/checkpoints"),
        output_data_config=OutputDataConfig(
            s3_output_path=plan.run_address("training"), kms_key_id=plan.settings.kms_key
        ),
        input_data_config=[InputData(channel_name=key, data_source=uri) for key, uri in channels.items()],
        hyperparameters=dict(hyperparameters),
        tags=[{"key": tag["Key"], "value": tag["Value"]} for tag in plan.tags()],
    ).with_metric_definitions([MetricDefinition(name=key, regex=regex) for key, regex in METRICS.items()])
    return TrainingStep(
        name=name,
        step_args=trainer.train(wait=False, logs=False),
        description=description,
        depends_on=list(after),
        retry_policies=retries(),
    )
