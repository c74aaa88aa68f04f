"""What IAM knows: actions, the resources they take and the condition keys they read, from policy_sentry's data.

cfn-lint knows the names of actions but not the keys, and no linter minds a statement whose keys never apply.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from policy_sentry.shared.iam_data import get_service_prefix_data

GLOBAL_KEYS = ("aws:MultiFactorAuthPresent", "aws:SecureTransport", "aws:SourceAccount", "aws:SourceArn")


@cache
def privilege(action: str) -> dict[str, Any] | None:
    """What is known of an action, None for one that does not exist."""
    service, _, name = action.partition(":")
    data = get_service_prefix_data(service) or {}
    found: dict[str, Any] | None = data.get("privileges", {}).get(name)
    return found


def knows_key(action: str, key: str) -> bool:
    """Whether a condition on `key` can ever apply to the action."""
    rows = (privilege(action) or {}).get("resource_types", {}).values()
    known = [known for row in rows for known in row["condition_keys"]]
    return key in GLOBAL_KEYS or any(_templated(name).fullmatch(key) for name in known)


def arns_of(action: str) -> Iterator[str]:
    """ARNs that the action takes, with `*` for each part that varies; nothing for one that takes no resource."""
    data = get_service_prefix_data(action.partition(":")[0])
    for kind in (privilege(action) or {}).get("resource_types", {}):
        if kind:
            yield re.sub(r"\$\{[^}]+\}", "*", data["resources"][kind]["arn"])


def overlap(one: str, other: str) -> bool:
    """Whether some ARN matches both patterns. Part by part: a `*` of ours does not stand for two parts of an ARN."""
    if "*" in (one, other):
        return True
    return all(map(_common, one.split(":", 5), other.split(":", 5)))


def _common(one: str, other: str) -> bool:
    if not one or not other:
        return not (one + other).strip("*")
    if one[0] == "*":
        return _common(one[1:], other) or _common(one, other[1:])
    if other[0] == "*":
        return _common(other, one)
    return one[0] == other[0] and _common(one[1:], other[1:])


def _templated(name: str) -> re.Pattern[str]:
    """A key's name, where `${MetadataKey}` stands for any word."""
    return re.compile(r".+".join(map(re.escape, re.split(r"\$\{[^}]+\}", name))))
