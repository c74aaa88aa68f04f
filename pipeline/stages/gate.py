"""CheckValidationLoss, RejectModel and RegisterModel: the one Condition and its two ends."""

from __future__ import annotations

from typing import Any

from sagemaker.core.model_metrics import MetricsSource, ModelMetrics
from sagemaker.core.shapes import ModelPackageModelCard
from sagemaker.core.workflow.conditions import ConditionEquals, ConditionLessThanOrEqualTo
from sagemaker.core.workflow.execution_variables import ExecutionVariables
from sagemaker.core.workflow.functions import Join, JsonGet
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.model_step import ModelStep
from sagemaker.mlops.workflow.steps import ProcessingStep
from sagemaker.serve.model_builder import ModelBuilder

from pipeline.stages.blocks import Blueprint, Uri, service_retry
from pipeline.stages.evaluate_model import ENTRY, EVALUATION
from steps.contract import DATA_REPORT, EVALUATION_REPORT, REGISTRY_KEYS
from steps.evaluate.unpack import MODEL_ARCHIVE


def _decided(evaluate: ProcessingStep, path: str, file: PropertyFile = EVALUATION) -> JsonGet:
    """A value that EvaluateModel has decided and written."""
    return JsonGet(step_name=evaluate.name, property_file=file, json_path=path)


def _left(step: ProcessingStep, output: str, file: str) -> Uri:
    """Address of a file that a step leaves."""
    return Join(on="/", values=[step.properties.ProcessingOutputConfig.Outputs[output].S3Output.S3Uri, file])


def build(plan: Blueprint, prepare: ProcessingStep, evaluate: ProcessingStep) -> ConditionStep:
    """Registers for approval when the loss is at or under the limit and every rule passed; fails with the reason otherwise."""
    return ConditionStep(
        name="CheckValidationLoss",
        description="Validation loss at or under MaxValidationLoss, and every rule of the gate passed",
        conditions=[
            ConditionLessThanOrEqualTo(
                left=_decided(evaluate, "metrics.validation_loss.value"), right=plan.parameters["MaxValidationLoss"]
            ),
            ConditionEquals(left=_decided(evaluate, "gate.verdict"), right="passed"),
        ],
        if_steps=[_register(plan, prepare, evaluate)],
        else_steps=[_reject(plan, evaluate)],
    )


def _reject(plan: Blueprint, evaluate: ProcessingStep) -> FailStep:
    message = [
        "Model refused: ",
        _decided(evaluate, "gate.message"),
        " Report: ",
        _left(evaluate, "evaluation", EVALUATION_REPORT),
    ]
    return FailStep(name="RejectModel", error_message=Join(on="", values=message))


def _register(plan: Blueprint, prepare: ProcessingStep, evaluate: ProcessingStep) -> ModelStep:
    builder = ModelBuilder(
        image_uri=plan.settings.images.evaluate,
        s3_model_data_url=_left(evaluate, "bundle", MODEL_ARCHIVE),
        role_arn=plan.settings.roles.evaluate,
        sagemaker_session=plan.session,
        dependencies={},  # the default looks for a bucket in the account
    )
    metadata: dict[str, Any] = {key: _decided(evaluate, f"registry.{key}") for key in REGISTRY_KEYS}
    metadata |= {
        "bundle": _decided(evaluate, "digests.bundle", ENTRY),  # the bundle holds the card, so its sum is in neither
        "execution": ExecutionVariables.PIPELINE_EXECUTION_ID,
        "execution_arn": ExecutionVariables.PIPELINE_EXECUTION_ARN,  # the package's own creator is a role
        "image_train": plan.settings.images.train,
        "image_evaluate": plan.settings.images.evaluate,
    }
    arguments = builder.register(
        model_package_group_name=plan.name,
        content_types=["application/json"],
        response_types=["application/json"],
        approval_status="PendingManualApproval",
        description="LoRA adapter for machine translation, both directions",
        model_metrics=ModelMetrics(
            model_statistics=_source(evaluate, prepare, "evaluation"),
            model_data_statistics=_source(evaluate, prepare, "data_report"),
        ),
        model_card=ModelPackageModelCard(
            model_card_content=_decided(evaluate, "card.content", ENTRY), model_card_status="PendingReview"
        ),
        customer_metadata_properties=metadata,
        task="TEXT_GENERATION",
        skip_model_validation="All",
    )
    return ModelStep(
        name="RegisterModel",
        step_args=arguments,
        retry_policies=[service_retry()],
    )


def _source(evaluate: ProcessingStep, prepare: ProcessingStep, report: str) -> MetricsSource:
    """A report with the sum that EvaluateModel took of it, so that approval can tell whether it was changed since."""
    place = (prepare, "data-report", DATA_REPORT) if report == "data_report" else (evaluate, report, EVALUATION_REPORT)
    return MetricsSource(
        content_type="application/json",
        s3_uri=_left(*place),
        content_digest=_decided(evaluate, f"digests.{report}", ENTRY),
    )
