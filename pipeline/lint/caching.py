"""Step caching, only where it can hit and where a hit is right.

The service compares addresses and settings, not content. Source of the compared members: developer guide, "Default
cache key attributes by pipeline step type".
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipeline.definition import Definition, references
from pipeline.lint.finding import Finding
from pipeline.lint.walk import dig

COMPARED = {"Processing": ("AppSpecification", "Environment", "ProcessingInputs")}
DURATION = re.compile(r"P(?=.)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+S)?)?|\d+[dhwmy]", re.IGNORECASE)


def check_caching(definition: Definition) -> Iterator[Finding]:
    """No cached training, no key that differs in every execution, and an expiry."""
    for step in definition.steps:
        if dig(step.raw, "CacheConfig", "Enabled") is not True:
            continue
        where = f"Steps.{step.name}.CacheConfig"
        expiry = dig(step.raw, "CacheConfig", "ExpireAfter")
        if not isinstance(expiry, str) or not DURATION.fullmatch(expiry):
            problem = f"ExpireAfter is {expiry!r}; the service requires an ISO 8601 duration"
            yield Finding("cache-expiry", f"{where}.ExpireAfter", problem, "give one such as P30D")
        if step.type == "Training":
            problem = "is on for a Training step, whose checkpoint address is part of the key and differs every time"
            yield Finding("cached-training", where, problem, "turn caching off; training resumes from checkpoints")
            continue
        compared = {key: dig(step.arguments, key) for key in COMPARED.get(step.type, tuple(step.arguments))}
        for reference in references(compared, f"Steps.{step.name}.Arguments"):
            if reference.target.startswith("Execution."):
                problem = f"{reference.target} is part of the cache key and differs in every execution"
                remedy = "turn caching off, or keep the execution's own addresses in the outputs"
                yield Finding("cache-never-hits", reference.where, problem, remedy)
