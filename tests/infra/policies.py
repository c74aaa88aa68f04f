"""Who may do what: IAM's evaluation over the resolved templates. An explicit deny wins, and nothing is allowed unsaid.

Knows the operators that the templates use and raises on any other, so that nothing is judged by guesswork. Sources: the
IAM user guide, "Policy evaluation logic" and "Condition operators" (negated operators match where the key is absent).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from tests.infra.templates import Resource

Context = Mapping[str, Any]  # condition keys to a value or a list of values
UNREAD = {"Effect": "Allow", "Action": "*", "Resource": "*"}  # a policy of AWS's own: as wide as it can be
ALWAYS: Context = {"aws:SecureTransport": "true", "iam:PassedToService": "sagemaker.amazonaws.com"}


@dataclass(frozen=True)
class Statement:
    """One statement, and where it stands."""

    where: str
    row: Mapping[str, Any]

    @property
    def denies(self) -> bool:
        return bool(self.row["Effect"] == "Deny")

    @property
    def actions(self) -> list[str]:
        return listed(self.row["Action"])

    @property
    def resources(self) -> list[str]:
        return listed(self.row.get("Resource", []))

    @property
    def spared(self) -> list[str]:
        """What a statement about everything else is not about."""
        return listed(self.row.get("NotResource", []))

    @property
    def conditions(self) -> Iterator[tuple[str, str, list[str]]]:
        """Operator, key and values of each condition."""
        for operator, keys in (self.row.get("Condition") or {}).items():
            yield from ((operator, key, [str(value) for value in listed(values)]) for key, values in keys.items())

    def applies(self, action: str, resource: str, context: Context) -> bool:
        """Whether this statement speaks about the request."""
        return (
            any(_like(pattern.lower(), action.lower()) for pattern in self.actions)
            and self._is_about(resource)
            and all(_holds(operator, key, values, context) for operator, key, values in self.conditions)
        )

    def _is_about(self, resource: str) -> bool:
        if self.spared:
            return not any(_like(pattern, resource) for pattern in self.spared)
        return any(_like(pattern, resource) for pattern in self.resources)


class Policies:
    """The policies of every role, and of the bucket, in a set of templates."""

    def __init__(self, resources: list[Resource]) -> None:
        self.managed = {
            resource.properties["ManagedPolicyName"]: list(_statements(resource.where, resource.properties))
            for resource in resources
            if resource.type == "AWS::IAM::ManagedPolicy"
        }
        self.roles = {
            str(resource.properties["RoleName"]): list(self._of_role(resource))
            for resource in resources
            if resource.type == "AWS::IAM::Role"
        }
        self.buckets = [
            statement
            for resource in resources
            if resource.type == "AWS::S3::BucketPolicy"
            for statement in _statements(resource.where, resource.properties)
        ]

    def _of_role(self, role: Resource) -> Iterator[Statement]:
        for policy in role.properties.get("Policies", []):
            yield from _statements(f"{role.where}.{policy['PolicyName']}", policy)
        for arn in role.properties.get("ManagedPolicyArns", []):
            yield from self.managed.get(arn.rsplit("/", 1)[-1], [Statement(f"{role.where}.{arn}", UNREAD)])

    def allows(self, role: str, action: str, resource: str, context: Context | None = None) -> bool:
        """Whether a role may do something. `context` adds to a request over TLS that passes roles to SageMaker only."""
        full = {**ALWAYS, **(context or {})}
        asked = [*self.roles[role], *(row for row in self.buckets if row.denies and action.startswith("s3:"))]
        spoken = [row for row in asked if row.applies(action, resource, full)]
        return bool(spoken) and not any(row.denies for row in spoken)

    def denies(self, role: str, action: str, resource: str, context: Context) -> bool:
        """Whether a role is denied something explicitly, so that no other policy can allow it."""
        full = {**ALWAYS, **context}
        return any(row.denies and row.applies(action, resource, full) for row in self.roles[role])

    def all(self) -> Iterator[Statement]:
        """Every statement of every role and bucket, managed policies once."""
        own = [row for rows in self.roles.values() for row in rows]
        shared = [row for rows in self.managed.values() for row in rows]
        yield from {id(row): row for row in [*own, *shared, *self.buckets]}.values()


def listed(value: Any) -> list[Any]:
    """IAM takes one of a thing where it takes many."""
    return value if isinstance(value, list) else [value]


def _statements(where: str, properties: Mapping[str, Any]) -> Iterator[Statement]:
    for row in properties["PolicyDocument"]["Statement"]:
        yield Statement(f"{where}.{row['Sid']}", row)


def _like(pattern: str, text: str) -> bool:
    """`*` and `?` are the only wild characters, and `*` takes slashes, too."""
    return _wild(pattern).fullmatch(text) is not None


@cache
def _wild(pattern: str) -> re.Pattern[str]:
    return re.compile("".join({"*": ".*", "?": "."}.get(mark, re.escape(mark)) for mark in pattern))


def _same(wanted: str, found: str) -> bool:
    return wanted == found


def _truth(wanted: str, found: str) -> bool:
    return wanted.lower() == found.lower()


def _at_most(wanted: str, found: str) -> bool:
    return float(found) <= float(wanted)


TESTS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": _same,
    "StringLike": _like,
    "Bool": _truth,
    "NumericLessThanEquals": _at_most,
}


def _holds(operator: str, key: str, values: list[str], context: Context) -> bool:
    lowered = {name.lower(): value for name, value in context.items()}
    found = [str(value) for value in listed(lowered.get(key.lower(), []))]
    if operator == "Null":
        return values == ["false" if found else "true"]
    if operator.endswith("IfExists"):
        return not found or _holds(operator.removesuffix("IfExists"), key, values, context)
    if operator.startswith("ForAllValues:"):
        test = TESTS[operator.removeprefix("ForAllValues:")]
        return all(any(test(value, item) for value in values) for item in found)
    if operator == "StringNotEquals":
        return not any(value == item for value in values for item in found)
    return any(TESTS[operator](value, item) for value in values for item in found)
