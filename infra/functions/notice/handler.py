"""The function behind the notices. Environment: TOPIC, ENVIRONMENT (the name that `--env` takes).

Events say little and may be late, so what they are about is asked again.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import boto3

from notice.wording import Notice, Place, ended, waiting

PACKAGE = "SageMaker Model Package State Change"
EXECUTION = "SageMaker Model Building Pipeline Execution Status Change"
BAD_ENDS = ("Failed", "Stopped", "CompletedWithFailures")


def handle(event: Mapping[str, Any], _context: object) -> dict[str, str]:
    """Say it to the topic, unless it is no longer so. Raises what the services raise; the platform tries again."""
    notice = describe(boto3.client("sagemaker"), event)
    if notice is None:
        return {"outcome": "nothing to say"}
    boto3.client("sns").publish(TopicArn=os.environ["TOPIC"], Subject=notice.subject, Message=notice.text)
    return {"outcome": "said", "subject": notice.subject}


def describe(sagemaker: Any, event: Mapping[str, Any]) -> Notice | None:
    """The notice of an event, None for one that needs nobody."""
    place = Place(os.environ["ENVIRONMENT"], str(event["account"]), str(event["region"]))
    detail = event["detail"]
    if event["detail-type"] == PACKAGE:
        package = sagemaker.describe_model_package(ModelPackageName=detail["ModelPackageArn"])
        return waiting(package, place) if package["ModelApprovalStatus"] == "PendingManualApproval" else None
    if event["detail-type"] == EXECUTION and detail["currentPipelineExecutionStatus"] in BAD_ENDS:
        arn = detail["pipelineExecutionArn"]
        execution = sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn)
        pages = sagemaker.get_paginator("list_pipeline_execution_steps").paginate(PipelineExecutionArn=arn)
        steps = [step for page in pages for step in page["PipelineExecutionSteps"]]
        return ended(execution, steps, place)
    return None
