"""Limits of the service that stand outside the steps' requests: names, descriptions, counts, size, metric patterns.

Sources: botocore's shapes StepName, StepDisplayName, StepDescription, PipelineDefinition; for the number of parameters
the service's quotas for Pipelines; for what a metric pattern must hold the developer guide's "Define metrics".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.definition import Definition, canonical
from pipeline.lint.finding import Finding
from pipeline.lint.shapes import broken_limit, broken_pattern, named_shape
from pipeline.lint.walk import dig, rows

MAX_PARAMETERS = 200
TEXTS = {"DisplayName": "StepDisplayName", "Description": "StepDescription"}


def check_sizes(definition: Definition) -> Iterator[Finding]:
    """Length of the whole definition, number of parameters, names and descriptions of steps."""
    problem = broken_limit(named_shape("PipelineDefinition"), canonical(definition.raw))
    if problem:
        yield Finding("limit", "definition", problem, "split the pipeline, or shorten its texts")
    if len(definition.parameters) > MAX_PARAMETERS:
        problem = f"there are {len(definition.parameters)}; the service takes at most {MAX_PARAMETERS}"
        yield Finding("limit", "Parameters", problem, "make the ones nobody sets constants of the recipe")
    for step in definition.steps:
        name = named_shape("StepName")
        problem = broken_limit(name, step.name)
        if problem or not step.name:
            yield Finding("limit", f"Steps.{step.name}", f"the name {problem or 'is empty'}", "use 1 to 64 characters")
        if broken_pattern(name, step.name):
            problem = f"the name {step.name!r} has other characters than letters, digits, - and _"
            yield Finding("characters", f"Steps.{step.name}", problem, "rename the step")
        for key, shape in TEXTS.items():
            yield from _text(step.raw.get(key), shape, f"Steps.{step.name}.{key}")


def _text(value: object, shape: str, where: str) -> Iterator[Finding]:
    if value is not None and not isinstance(value, str):
        yield Finding("wrong-type", where, f"is {value!r:.80}, and must be a text", "give a text")
    elif value is not None:
        problem = broken_limit(named_shape(shape), value)
        if problem:
            yield Finding("limit", where, problem, "shorten it")
        if broken_pattern(named_shape(shape), value):
            yield Finding("characters", where, "has a line break, which the service refuses", "write it on one line")


def check_metrics(definition: Definition) -> Iterator[Finding]:
    """Every metric pattern compiles and has the one group the service reads the number from."""
    for step in definition.steps:
        for index, row in enumerate(rows(step.arguments, "AlgorithmSpecification", "MetricDefinitions")):
            where = f"Steps.{step.name}.Arguments.AlgorithmSpecification.MetricDefinitions[{index}].Regex"
            try:
                groups = re.compile(str(dig(row, "Regex"))).groups
            except re.error as error:
                yield Finding("metric-regex", where, f"is not a regular expression: {error}", "correct the pattern")
                continue
            if groups == 0:
                problem = "has no group in parentheses, so there is no number to read"
                yield Finding("metric-regex", where, problem, "put the number's part into parentheses")
