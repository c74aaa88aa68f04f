"""Job requests before anything runs: as much of each as does not hang on another step's result, checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from pipeline.definition import Definition, Step, references
from pipeline.errors import AsusuError, BadInput
from pipeline.local.environment import JobKind
from pipeline.local.limits import check_strings
from pipeline.local.metrics import compile_metrics
from pipeline.local.resolver import Scope, resolve
from pipeline.local.store import parse_uri

CheckImage = Callable[[JobKind, str, Mapping[str, Any]], object]  # see Launcher.check

MAX_HOSTS = 20  # of one processing job; on this machine they run one after the other
LATER = ""  # stands for a value that only another step's result can give

REQUIRED: Mapping[str, tuple[str, ...]] = {
    "Processing": ("AppSpecification.ImageUri",),
    "Training": ("AlgorithmSpecification.TrainingImage", "OutputDataConfig.S3OutputPath"),
    "ProcessingInput": ("InputName", "S3Input.S3Uri", "S3Input.LocalPath"),
    "ProcessingOutput": ("OutputName", "S3Output.S3Uri", "S3Output.LocalPath"),
    "Channel": ("ChannelName", "DataSource.S3DataSource.S3Uri"),
}
ADDRESSES = (
    "OutputDataConfig.S3OutputPath",
    "CheckpointConfig.S3Uri",
    "S3Input.S3Uri",
    "S3Output.S3Uri",
    "DataSource.S3DataSource.S3Uri",
)
# Field of the request, and the values of it that one process on this machine can serve.
SERVED: Mapping[str, Sequence[Any]] = {
    "ProcessingResources.ClusterConfig.InstanceCount": range(1, MAX_HOSTS + 1),
    "ResourceConfig.InstanceCount": (1,),
    "AlgorithmSpecification.TrainingInputMode": ("File", "FastFile"),
    "OutputDataConfig.CompressionType": ("GZIP", "NONE"),
    "InputMode": ("File", "FastFile"),
    "CompressionType": ("None",),
    "S3Input.S3DataType": ("S3Prefix",),
    "S3Input.S3InputMode": ("File",),
    "S3Input.S3DataDistributionType": ("FullyReplicated", "ShardedByS3Key"),
    "S3Input.S3CompressionType": ("None",),
    "DataSource.S3DataSource.S3DataType": ("S3Prefix",),
}
HINTS: Mapping[str, str] = {
    "ResourceConfig.InstanceCount": "machines that train together need a network between them: set training_hosts to 1 in "
    "the environment's file",
}


def passed_over(definition: Definition) -> list[str]:
    """In sentences, what a definition asks of its training machines that means nothing on this one."""
    spot = [step.name for step in definition.steps if step.arguments.get("EnableManagedSpotTraining") is True]
    return (
        [f"{', '.join(spot)} asks for spot machines; this one is nobody's to take back, so that is ignored"]
        if spot
        else []
    )


def check_images(definition: Definition, check_image: CheckImage) -> None:
    """Raises BadInput, naming the step, for an image that is not to be had: asked before the inputs are made ready."""
    for step in definition.steps:
        if step.type in ("Processing", "Training"):
            kind: JobKind = "Processing" if step.type == "Processing" else "Training"
            application, image = _application(kind, step.arguments)
            if isinstance(image, str):
                _check_image(step, kind, image, application, check_image)


def check_requests(definition: Definition, scope: Scope, check_image: CheckImage) -> None:
    """Raises BadInput, naming step and field, for a job that could not run: an image that is not to be had, a field
    that is missing or asks for what one machine cannot do, a string over its limit, a metric that is no expression."""
    for step in definition.steps:
        if step.type == "Processing":
            _check_job(step, "Processing", scope, check_image)
        elif step.type == "Training":
            _check_job(step, "Training", scope, check_image)


def _check_job(step: Step, kind: JobKind, scope: Scope, check_image: CheckImage) -> None:
    request = resolve_early(step.arguments, scope)
    for what, place, row in _rows(kind, request):
        for field in REQUIRED[what]:
            if _at(row, field) is None:
                raise BadInput(f"step {step.name}: {place}{field} is missing; the local run serves S3 addresses only")
        for field in ADDRESSES:
            _check_address(_at(row, field), f"step {step.name}: {place}{field}")
        for field, served in SERVED.items():
            value = _at(row, field)
            if value not in (None, LATER, *served):
                few = not isinstance(served, range)
                wanted = " or ".join(map(str, served)) if few else f"{served[0]} to {served[-1]}"
                raise BadInput(
                    f"step {step.name}: {place}{field} is {value!r}; the local run serves {wanted}",
                    hint=HINTS.get(field, ""),
                )
    check_strings(kind, request, step.name)
    application, image = _application(kind, request)
    try:
        compile_metrics(application.get("MetricDefinitions") or ())
    except AsusuError as error:
        raise BadInput(f"step {step.name}: {error.message}", hint=error.hint) from error
    if image != LATER:
        _check_image(step, kind, image, application, check_image)


def _application(kind: JobKind, request: Mapping[str, Any]) -> tuple[Mapping[str, Any], Any]:
    """What a job runs, and the image in it, None where it is missing."""
    application = request.get("AppSpecification" if kind == "Processing" else "AlgorithmSpecification") or {}
    return application, application.get("ImageUri" if kind == "Processing" else "TrainingImage")


def _check_image(
    step: Step, kind: JobKind, image: str, application: Mapping[str, Any], check_image: CheckImage
) -> None:
    try:
        check_image(kind, image, application)
    except BadInput as error:
        raise BadInput(f"step {step.name}: {error.message}", hint=error.hint) from error


def _check_address(value: Any, where: str) -> None:
    if value in (None, LATER):
        return
    if not isinstance(value, str):
        raise BadInput(f"{where} must be text, but it is {value!r}")
    try:
        parse_uri(value)
    except BadInput as error:
        raise BadInput(f"{where}: {error.message}", hint=error.hint) from error


def resolve_early(value: Any, scope: Scope) -> Any:
    """The value resolved, with `LATER` wherever another step's result is needed."""
    if isinstance(value, Mapping):
        if len(value) == 1 and next(iter(value)) in ("Get", "Std:Join", "Std:JsonGet"):
            needs_step = "Std:JsonGet" in value or any(reference.step for reference in references(value))
            return LATER if needs_step else resolve(value, scope)
        return {key: resolve_early(item, scope) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [resolve_early(item, scope) for item in value]
    return value


def _rows(kind: JobKind, request: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """(kind of row, place, row): the request itself and each of its inputs and outputs."""
    yield kind, "", request
    lists = (
        ("ProcessingInput", "ProcessingInputs"),
        ("ProcessingOutput", "ProcessingOutputConfig.Outputs"),
        ("Channel", "InputDataConfig"),
    )
    for what, place in lists:
        for index, row in enumerate(_at(request, place) or ()):
            yield what, f"{place}[{index}].", row


def _at(row: Any, field: str) -> Any:
    for name in field.split("."):
        row = row.get(name) if isinstance(row, Mapping) else None
    return row
