"""What a registered version says of itself, and the tags, against the registry's limits.

Sources: botocore's shapes CustomerMetadataMap, CustomerMetadataKey, CustomerMetadataValue, TagKey and TagValue; the
service checks them after the last step, when days have been paid for. Values that only a run knows are held to the same
limits by EvaluateModel (steps/evaluate/entry.py).
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.definition import Definition
from pipeline.lint.shapes import broken_limit, broken_pattern, named_shape
from pipeline.lint.values import resolve
from pipeline.lint.walk import function_of, pairs
from pipeline.preflight.check import Check
from pipeline.settings import Settings


def check_metadata(chosen: Settings, definition: Definition) -> Check:
    """Number, keys and values of the registry's metadata and of the environment's tags."""
    problems = [*_metadata(definition), *_tags(chosen)]
    if problems:
        return Check("metadata", "refused", "; ".join(problems), "shorten them, or use letters, digits and _.:/=+-@")
    count = sum(len(pairs(step.arguments, "CustomerMetadataProperties")) for step in definition.steps)
    return Check("metadata", "ok", f"{count} pairs and {len(chosen.tags)} tags within the registry's limits")


def _metadata(definition: Definition) -> Iterator[str]:
    for step in definition.steps:
        entries = pairs(step.arguments, "CustomerMetadataProperties")
        if problem := broken_limit(named_shape("CustomerMetadataMap"), entries) if entries else None:
            yield f"{step.name}: CustomerMetadataProperties {problem}"
        for key, value in entries:
            yield from _text("CustomerMetadataKey", key, f"{step.name}: the key {key!r}")
            if function_of(value) != "Std:JsonGet":
                text = str(resolve(value, definition))
                yield from _text("CustomerMetadataValue", text, f"{step.name}: {key}={text!r}")


def _tags(chosen: Settings) -> Iterator[str]:
    for key, value in chosen.tags.items():
        yield from _text("TagKey", key, f"the tag {key!r}")
        yield from _text("TagValue", value, f"the tag {key}={value!r}")
        if key.lower().startswith("aws:"):
            yield f"the tag {key!r} begins with aws:, which is the service's own"


def _text(shape: str, text: str, what: str) -> Iterator[str]:
    if problem := broken_limit(named_shape(shape), text):
        yield f"{what} {problem}"
    elif broken_pattern(named_shape(shape), text):
        yield f"{what} has a character that the registry refuses"
