"""What this account answers itself: what moto lacks, and what it fakes."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from pipeline.definition import read
from pipeline.errors import AsusuError
from pipeline.local.parameters import typed_parameters
from pipeline.local.record import Execution, StepRecord
from tests.account import credit
from tests.account.state import Account, Answer, Refusal

JOBS = {"Training": "training-job", "Processing": "processing-job"}
UNSEEN = ("Pending", "Skipped")


def before_start(account: Account, request: Mapping[str, Any]) -> Answer | None:
    """Refuse what the service would refuse at the start; a token that was used before gives the execution it began."""
    if found := account.tokens.get(str(request.get("ClientRequestToken", ""))):
        return {"PipelineExecutionArn": found}
    name = str(request["PipelineName"]).rpartition("/")[2]
    pipeline = account.backend.pipelines.get(name)
    if pipeline is None:
        raise Refusal("ResourceNotFound", f"Pipeline '{name}' does not exist.")
    definition = read(pipeline.pipeline_definition)
    given = {row["Name"]: row["Value"] for row in request.get("PipelineParameters", ())}
    try:
        typed_parameters(definition, given)
    except AsusuError as error:
        raise Refusal("ValidationException", str(error)) from error
    known = {step.name for step in definition.steps}
    for row in request.get("SelectiveExecutionConfig", {}).get("SelectedSteps", ()):
        if row["StepName"] not in known:
            raise Refusal("ValidationException", f"Step {row['StepName']} is not in the pipeline definition")
    return None


def after_start(account: Account, request: Mapping[str, Any], answer: Answer, caller: Mapping[str, str]) -> Answer:
    """Run the execution that moto has only written down."""
    arn = str(answer["PipelineExecutionArn"])
    name = str(request["PipelineName"]).rpartition("/")[2]
    selective = request.get("SelectiveExecutionConfig", {})
    account.tokens[str(request.get("ClientRequestToken", uuid.uuid4()))] = arn
    account.creators[arn] = caller
    account.selections[arn] = selective
    account.platform.start(
        arn.rpartition("/")[2],
        name,
        str(account.backend.pipelines[name].pipeline_definition),
        {row["Name"]: row["Value"] for row in request.get("PipelineParameters", ())},
        selected=[row["StepName"] for row in selective.get("SelectedSteps", ())],
        source=str(selective.get("SourcePipelineExecutionArn", "")),
    )
    return answer


def after_describe(account: Account, request: Mapping[str, Any], answer: Answer, caller: Mapping[str, str]) -> Answer:
    """The real status and reason, who started it, and which steps were chosen."""
    status, reason = account.platform.status(account.execution_id(request))
    creator = account.creators.get(str(request["PipelineExecutionArn"]))
    selective = account.selections.get(str(request["PipelineExecutionArn"]))
    return {
        **answer,
        "PipelineExecutionStatus": status,
        **({"FailureReason": reason[:1300]} if reason else {}),
        **({"CreatedBy": {"IamIdentity": dict(creator)}} if creator else {}),
        **({"SelectiveExecutionConfig": selective} if selective else {}),
    }


def after_list(account: Account, request: Mapping[str, Any], answer: Answer, caller: Mapping[str, str]) -> Answer:
    """The real statuses, newest first as the service does."""
    rows = []
    for row in answer["PipelineExecutionSummaries"]:
        status, reason = account.platform.status(str(row["PipelineExecutionArn"]).rpartition("/")[2])
        rows.append({**row, "PipelineExecutionStatus": status, "PipelineExecutionFailureReason": reason})
    return {**answer, "PipelineExecutionSummaries": sorted(rows, key=lambda row: row["StartTime"], reverse=True)}


def list_steps(account: Account, request: Mapping[str, Any]) -> Answer:
    """ListPipelineExecutionSteps: steps that began, the newest first unless asked otherwise."""
    record = account.platform.record(account.execution_id(request))
    rows = [_step(account, step) for step in (record.steps if record else ()) if step.status not in UNSEEN]
    ascending = request.get("SortOrder") == "Ascending"
    return {"PipelineExecutionSteps": sorted(rows, key=lambda row: row["StartTime"], reverse=not ascending)}


def _step(account: Account, step: StepRecord) -> Answer:
    facts: dict[str, Any] = {}
    if step.type in JOBS:
        if step.job_name:
            facts[f"{step.type}Job"] = {"Arn": account.arn(f"{JOBS[step.type]}/{step.job_name}")}
    elif step.type == "Condition":
        facts["Condition"] = {"Outcome": str(step.outcome)}
    elif step.type == "Fail":
        facts["Fail"] = {"ErrorMessage": step.reason}
    elif step.type == "RegisterModel" and step.describe:
        group, version = step.describe["ModelPackageGroupName"], step.describe["ModelPackageVersion"]
        facts["RegisterModel"] = {"Arn": account.arn(f"model-package/{group}/{version}")}
    return {
        "StepName": step.name,
        "StartTime": step.started or 0.0,
        **({"EndTime": step.ended} if step.ended else {}),
        "StepStatus": step.status,
        **({"FailureReason": step.reason[:1024]} if step.status == "Failed" else {}),
        **({"CacheHitResult": {"SourcePipelineExecutionArn": "unknown"}} if step.reused else {}),
        "Metadata": facts,
        "AttemptCount": step.attempts,
    }


def stop(account: Account, request: Mapping[str, Any]) -> Answer:
    """StopPipelineExecution."""
    account.platform.stop(account.execution_id(request))
    return {"PipelineExecutionArn": request["PipelineExecutionArn"]}


def retry(account: Account, request: Mapping[str, Any]) -> Answer:
    """RetryPipelineExecution: goes on where it ended, under the same id."""
    execution_id = account.execution_id(request)
    status, _ = account.platform.status(execution_id)
    if status not in ("Failed", "Stopped"):
        raise Refusal("ValidationException", f"An execution that is {status} cannot be retried")
    account.platform.proceed(execution_id)
    return {"PipelineExecutionArn": request["PipelineExecutionArn"]}


def describe_job(kind: str) -> Callable[[Account, Mapping[str, Any]], Answer]:
    """DescribeTrainingJob or DescribeProcessingJob, of jobs that executions made."""

    def describe(account: Account, request: Mapping[str, Any]) -> Answer:
        name = request[f"{kind}JobName"]
        for record in account.platform.records():
            for step in record.steps:
                if step.type == kind and step.job_name == name:
                    return _job(account, kind, record, step)
        raise Refusal("ValidationException", f"Requested resource not found: {name}")

    return describe


def _job(account: Account, kind: str, record: Execution, step: StepRecord) -> Answer:
    answer = {name: _plain(value) for name, value in step.describe.items()} or {
        f"{kind}JobStatus": "InProgress",
        "CreationTime": step.started,
        "LastModifiedTime": step.started,
        f"{kind}StartTime": step.started,
        **({"SecondaryStatus": "Training"} if kind == "Training" else {}),
    }
    arn = account.arn(f"{JOBS[kind]}/{step.job_name}")
    return {**answer, f"{kind}JobName": step.job_name, f"{kind}JobArn": arn}


def _plain(value: Any) -> Any:
    """Times of the runner's descriptions as the wire has them, in epoch seconds."""
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, str) and value[:2] == "20" and "T" in value:
        try:
            return datetime.fromisoformat(value).timestamp()
        except ValueError:
            return value
    return value


def list_quotas(account: Account, request: Mapping[str, Any]) -> Answer:
    """ListServiceQuotas and ListAWSDefaultServiceQuotas, in pages as small as asked."""
    if request["ServiceCode"] != "sagemaker":
        raise Refusal("NoSuchResourceException", f"no service {request['ServiceCode']}")
    rows = [_quota(account, row) for row in account.quotas()]
    start, size = int(request.get("NextToken", 0)), int(request.get("MaxResults", 100))
    following = {"NextToken": str(start + size)} if start + size < len(rows) else {}
    return {"Quotas": rows[start : start + size], **following}


def get_quota(account: Account, request: Mapping[str, Any]) -> Answer:
    """GetServiceQuota."""
    for row in account.quotas():
        if row["QuotaCode"] == request["QuotaCode"]:
            return {"Quota": _quota(account, row)}
    raise Refusal("NoSuchResourceException", f"no quota {request['QuotaCode']}")


def _quota(account: Account, row: Mapping[str, Any]) -> Answer:
    arn = f"arn:aws:servicequotas:{account.region}:{account.number}:sagemaker/{row['QuotaCode']}"
    fixed = {"ServiceCode": "sagemaker", "ServiceName": "Amazon SageMaker", "Unit": "None", "Adjustable": True}
    return {**fixed, "QuotaArn": arn, "GlobalQuota": False, **row}


def get_products(account: Account, request: Mapping[str, Any]) -> Answer:
    """GetProducts of the price list: every item is JSON inside a text."""
    wanted = {row["Field"]: row["Value"] for row in request.get("Filters", ())}
    found = []
    for product, dollars in account.prices().items():
        instance, _, component = product.partition("-")
        if wanted.get("instanceName", instance) == instance and wanted.get("component", component) == component:
            price = {"unit": "Hrs", "pricePerUnit": {"USD": f"{dollars:.10f}"}}
            attributes = {"instanceName": instance, "component": component, "regionCode": account.region}
            terms = {"OnDemand": {"X.Y": {"priceDimensions": {"X.Y.Z": price}}}}
            found.append(json.dumps({"product": {"attributes": attributes}, "terms": terms}))
    return {"FormatVersion": "aws_v1", "PriceList": found}


OWN: Mapping[str, Callable[[Account, Mapping[str, Any]], Answer]] = {
    "SageMaker.ListPipelineExecutionSteps": list_steps,
    "SageMaker.StopPipelineExecution": stop,
    "SageMaker.RetryPipelineExecution": retry,
    "SageMaker.DescribeTrainingJob": describe_job("Training"),
    "SageMaker.DescribeProcessingJob": describe_job("Processing"),
    "ServiceQuotasV20190624.ListServiceQuotas": list_quotas,
    "ServiceQuotasV20190624.ListAWSDefaultServiceQuotas": list_quotas,
    "ServiceQuotasV20190624.GetServiceQuota": get_quota,
    "AWSPriceListService.GetProducts": get_products,
}
BEFORE: Mapping[str, Callable[[Account, Mapping[str, Any]], Answer | None]] = {
    "SageMaker.StartPipelineExecution": before_start,
    "SageMaker.UpdateModelPackage": credit.before_decision,
}
AFTER: Mapping[str, Callable[[Account, Mapping[str, Any], Answer, Mapping[str, str]], Answer]] = {
    "SageMaker.CreatePipeline": credit.after_creating_pipeline,
    "SageMaker.UpdatePipeline": credit.after_changing_pipeline,
    "SageMaker.DescribePipeline": credit.after_describing_pipeline,
    "SageMaker.StartPipelineExecution": after_start,
    "SageMaker.DescribePipelineExecution": after_describe,
    "SageMaker.ListPipelineExecutions": after_list,
    "SageMaker.UpdateModelPackage": credit.after_decision,
    "SageMaker.DescribeModelPackage": credit.after_describing_package,
}
