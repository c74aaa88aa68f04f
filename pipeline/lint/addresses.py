"""Addresses in S3: a key with two slashes in a row is another key, and nothing lies there."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.definition import Definition
from pipeline.lint.finding import Finding
from pipeline.lint.values import resolve
from pipeline.lint.walk import strings

SCHEME = "s3://"


def check_addresses(definition: Definition) -> Iterator[Finding]:
    """Every address of every step, with defaults filled in; a default that ends in a slash makes two of them."""
    for step in definition.steps:
        for text, where in strings(resolve(step.arguments, definition), f"Steps.{step.name}.Arguments"):
            if text.startswith(SCHEME) and "//" in text.removeprefix(SCHEME):
                problem = f"{text} has two slashes in a row, which S3 takes for another key"
                yield Finding("double-slash", where, problem, "end no part of the address with a slash")
