"""A JSON request against botocore's shape of its operation: members, types, limits, choices, characters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator

from pipeline.lint.shapes import broken_limit, broken_pattern

SERVICES = {
    "SageMaker": "sagemaker",
    "Logs_20140328": "logs",
    "ServiceQuotasV20190624": "service-quotas",
    "AWSPriceListService": "pricing",
    "AmazonEC2ContainerRegistry_V20150921": "ecr",
    "TrentService": "kms",
    "AWSEvents": "events",
}


def problems(prefix: str, operation: str, request: Mapping[str, Any]) -> list[str]:
    """Everything about a request that the service would refuse for its form; `prefix` is that of X-Amz-Target."""
    if prefix not in SERVICES:
        return []
    shape = _service(SERVICES[prefix]).operation_model(operation).input_shape
    report = ParamValidator().validate(request, shape)
    return [report.generate_report()] if report.has_errors() else list(_broken(request, shape, operation))


@cache
def _service(name: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(name, "service-2"))


def _broken(value: Any, shape: Any, where: str) -> Iterator[str]:
    if shape.type_name == "structure":
        for name, item in value.items():
            yield from _broken(item, shape.members[name], f"{where}.{name}")
        return
    if shape.type_name in ("boolean", "timestamp", "blob"):
        return
    if problem := broken_limit(shape, value):
        yield f"{where} {problem}"
    if shape.type_name == "string":
        if shape.enum and value not in shape.enum:
            yield f"{where} is {value!r}, which is not one of {', '.join(shape.enum)}"
        if pattern := broken_pattern(shape, value):
            yield f"{where} is {value!r:.80}, which does not match {pattern}"
    elif shape.type_name == "list":
        for number, item in enumerate(value):
            yield from _broken(item, shape.member, f"{where}[{number}]")
    elif shape.type_name == "map":
        for name, item in value.items():
            yield from _broken(name, shape.key, f"{where}.{name}")
            yield from _broken(item, shape.value, f"{where}.{name}")
