"""The service's own description of its requests and answers, read from botocore. The only importer of botocore.

botocore itself checks types, required members and minima, but neither pattern, enum nor maximum; those are read here
from the same shapes. Source: botocore's `sagemaker` service-2 model of the installed version.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

Shape = Any  # botocore.model.Shape; botocore has no types

REQUESTS = {"Processing": "CreateProcessingJob", "Training": "CreateTrainingJob", "RegisterModel": "CreateModelPackage"}
ANSWERS = {
    "Processing": "DescribeProcessingJob",
    "Training": "DescribeTrainingJob",
    "RegisterModel": "DescribeModelPackage",
}
JOB_NAMES = {"Processing": "ProcessingJobName", "Training": "TrainingJobName"}  # supplied by Pipelines
SEGMENT = re.compile(r"\.?(?P<member>[A-Za-z0-9]+)|\['(?P<key>[^']*)'\]|\[(?P<index>\d+)\]")
PLAUSIBLE = (
    "s3://bucket/example",
    "arn:aws:sagemaker:us-east-1:123456789012:example/example",
    "arn:aws:iam::123456789012:role/example",
    "example",
)
Path = list[str | int | tuple[str]]  # a member's name, an index, or (key,) of a map or of a list of named items


@cache
def _service() -> Any:
    from botocore.loaders import Loader
    from botocore.model import ServiceModel

    return ServiceModel(Loader().load_service_model("sagemaker", "service-2"))


def request_shape(step_type: str) -> Shape | None:
    """Shape of the request a step's Arguments become, None for a type that makes none (Condition, Fail)."""
    operation = REQUESTS.get(step_type)
    return _service().operation_model(operation).input_shape if operation else None


def answer_shape(step_type: str) -> Shape | None:
    """Shape whose members are the step's properties, None for a type that has no job or package."""
    operation = ANSWERS.get(step_type)
    return _service().operation_model(operation).output_shape if operation else None


def named_shape(name: str) -> Shape:
    """A shape of the service by its name, e.g. `StepName`."""
    return _service().shape_for(name)


def parse_path(text: str) -> Path | None:
    """`Outputs['x'].S3Output[0]` as `["Outputs", ("x",), "S3Output", 0]`; None where the text is not a path."""
    path: Path = []
    position = 0
    while position < len(text):
        match = SEGMENT.match(text, position)
        if match is None:
            return None
        member, key, index = match.group("member", "key", "index")
        path.append(member if member is not None else (key,) if key is not None else int(index))
        position = match.end()
    return path


def follow(shape: Shape, path: Path) -> Shape | None:
    """The shape at the end of a path, None where the service has no such property."""
    for part in path:
        if isinstance(part, str) and shape.type_name == "structure" and part in shape.members:
            shape = shape.members[part]
        elif isinstance(part, tuple) and shape.type_name == "map":
            shape = shape.value
        elif not isinstance(part, str) and shape.type_name == "list":
            shape = shape.member
        else:
            return None
    return shape


@cache
def _pattern(text: str) -> Any:
    """The compiled pattern, or None for the few that no Python engine reads. `\\p{L}` needs the regex package."""
    import regex

    try:
        return regex.compile(text)
    except regex.error:
        return None


def broken_limit(shape: Shape, value: Any) -> str | None:
    """In words, how a value misses the shape's minimum or maximum (length of a text or list, size of a number)."""
    limits = shape.metadata
    numeric = isinstance(value, int | float)
    size = value if numeric else len(value)
    unit = "" if numeric else " characters" if isinstance(value, str) else " entries"
    verb = "is" if numeric else "has"
    if "max" in limits and size > limits["max"]:
        return f"{verb} {size}{unit}; the service takes at most {limits['max']}"
    if "min" in limits and size < limits["min"]:
        return f"{verb} {size}{unit}; the service takes at least {limits['min']}"
    return None


def broken_pattern(shape: Shape, value: str) -> str | None:
    """The shape's pattern when the value does not match it, else None."""
    text = shape.metadata.get("pattern")
    compiled = _pattern(text) if text else None
    return text if compiled is not None and not compiled.fullmatch(value) else None


def plausible(shape: Shape) -> Any:
    """A value the service could give for a property of this shape."""
    if shape.type_name == "string":
        texts = list(shape.metadata.get("enum", PLAUSIBLE))
        return next((text for text in texts if broken_pattern(shape, text) is None), texts[-1])
    empty = {"integer": 1, "long": 1, "float": 1.0, "double": 1.0, "boolean": True, "timestamp": 1.0, "list": []}
    return empty.get(shape.type_name, {})
