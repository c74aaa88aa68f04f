"""What the templates must mean. Each rule yields a finding for each place that breaks it: `stack.Resource: why`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.infra.policies import Policies
from tests.infra.templates import Resource

Findings = Iterator[str]
Rule = Callable[[list[Resource], Policies], Findings]
RULES: dict[str, Rule] = {}


def rule(check: Rule) -> Rule:
    """Enter a rule under its function's name."""
    RULES[check.__name__.replace("_", "-")] = check
    return check


def findings(resources: list[Resource]) -> dict[str, list[str]]:
    """What every broken rule has to say."""
    from tests.infra.rules import access, grants, sharing, things  # noqa: F401  they enter their rules

    policies = Policies(resources)
    found = {name: list(check(resources, policies)) for name, check in RULES.items()}
    return {name: said for name, said in found.items() if said}


def of_type(resources: list[Resource], *types: str) -> Iterator[Resource]:
    """The resources of some types."""
    return (resource for resource in resources if resource.type in types)
