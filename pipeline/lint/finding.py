"""What lint reports: one finding per problem, each with the rule, the place, the reason and the remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from pipeline.definition import Definition

Rule = Literal[
    # parameters
    "undeclared-parameter",
    "unused-parameter",
    "duplicate-parameter",
    "parameter-name",
    "parameter-type",
    "parameter-default",
    "parameter-choices",
    # the graph
    "duplicate-step",
    "step-type",
    "nested-condition",
    "empty-branch",
    "bad-condition",
    "missing-step",
    "cycle",
    "other-branch",
    # references
    "unknown-property",
    "undeclared-item",
    "property-file",
    "json-get",
    "bad-join",
    "unknown-execution-variable",
    "unknown-function",
    # requests of the steps
    "bare-reference",
    "wrong-type",
    "unknown-argument",
    "missing-argument",
    "duplicate-name",
    "limit",
    "characters",
    "choice",
    "metric-regex",
    "retry-policy",
    # what this house demands
    "network-isolation",
    "approval-status",
    "secret",
    "mutable-image",
    "stopping-condition",
    "checkpoints",
    "checkpoint-folder",
    "shared-checkpoints",
    "spot",
    "training-hosts",
    "double-slash",
    "local-path",
    "absolute-path",
    "cached-training",
    "cache-never-hits",
    "cache-expiry",
]


@dataclass(frozen=True)
class Finding:
    """One problem. `where` is a place such as `Steps.TrainLora.Arguments.HyperParameters.epochs`."""

    rule: Rule
    where: str
    problem: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.problem} [{self.rule}]\n  next: {self.remedy}"


Check = Callable[[Definition], Iterator[Finding]]
