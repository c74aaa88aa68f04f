"""The templates as the service would see them: every function resolved, for one account and region."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).resolve().parents[2] / "infra"
ORDER = ("platform", "job-roles", "people-roles", "operations")  # deploy.sh's
ACCOUNT = "123456789012"
REGION = "us-east-1"
BUCKET = f"asusu-{ACCOUNT}-{REGION}"
HERE = f"{REGION}:{ACCOUNT}"
NOTHING = object()
KEPT = (
    "RetainExceptOnCreate",
    "Retain",
)  # on deletion, on replacement: plain Retain would leave what a failed creation made
PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Region": REGION,
    "AWS::Partition": "aws",
    "AWS::NoValue": NOTHING,
    "AWS::StackName": "asusu",
}
ARNS = {  # of a resource, by the property that names it
    "AWS::IAM::Role": f"arn:aws:iam::{ACCOUNT}:role/{{RoleName}}",
    "AWS::IAM::ManagedPolicy": f"arn:aws:iam::{ACCOUNT}:policy/{{ManagedPolicyName}}",
    "AWS::S3::Bucket": "arn:aws:s3:::{BucketName}",
    "AWS::KMS::Key": f"arn:aws:kms:{HERE}:key/0000-key",
    "AWS::SNS::Topic": f"arn:aws:sns:{HERE}:{{TopicName}}",
    "AWS::Lambda::Function": f"arn:aws:lambda:{HERE}:function:{{FunctionName}}",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{HERE}:log-group:{{LogGroupName}}:*",
    "AWS::SecretsManager::Secret": f"arn:aws:secretsmanager:{HERE}:secret:{{Name}}-AbCdEf",
    "AWS::Events::Rule": f"arn:aws:events:{HERE}:rule/{{logical}}",
}
REF_IS_ARN = ("AWS::IAM::ManagedPolicy", "AWS::SNS::Topic", "AWS::SecretsManager::Secret")
REF_NAMES = {
    "AWS::S3::Bucket": "BucketName",
    "AWS::IAM::Role": "RoleName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
}

Raw = dict[str, dict[str, Any]]


class _Loader(yaml.SafeLoader):
    """YAML with the short forms of CloudFormation's functions."""


def _function(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _function)


@dataclass(frozen=True)
class Resource:
    """One resource with every function resolved."""

    stack: str
    name: str
    type: str
    properties: dict[str, Any]
    kept: bool

    @property
    def where(self) -> str:
        """For findings: `stack.Resource`."""
        return f"{self.stack}.{self.name}"


@cache
def _written() -> Raw:
    return {name: yaml.load((FOLDER / f"{name}.yaml").read_text(), Loader=_Loader) for name in ORDER}  # noqa: S506  safe


def read() -> Raw:
    """The templates as they are written; the copy may be changed."""
    return copy.deepcopy(_written())


def resolve(raw: Raw) -> list[Resource]:
    """All resources of all stacks. Raises KeyError for a name that nothing has."""
    imports: dict[str, Any] = {}
    resources: list[Resource] = []
    for stack in ORDER:
        scope = _Scope(copy.deepcopy(raw[stack]), imports)
        resources += scope.resources(stack)
        for output in scope.template.get("Outputs", {}).values():
            if "Export" in output:
                imports[scope.value(output["Export"]["Name"])] = scope.value(output["Value"])
    return resources


class _Scope:
    """Names of one template: parameters at their defaults, resources, mappings, and what other stacks export."""

    def __init__(self, template: dict[str, Any], imports: dict[str, Any]) -> None:
        self.template, self.imports = template, imports
        self.names = PSEUDO | {name: row["Default"] for name, row in template.get("Parameters", {}).items()}

    def resources(self, stack: str) -> Iterator[Resource]:
        for name, row in self.template["Resources"].items():
            if "Condition" in row and not self.value({"Condition": row["Condition"]}):
                continue
            kept = (row.get("DeletionPolicy"), row.get("UpdateReplacePolicy")) == KEPT
            yield Resource(stack, name, row["Type"], self.value(row.get("Properties", {})), kept)

    def value(self, value: Any) -> Any:
        if isinstance(value, list):
            return [item for item in map(self.value, value) if item is not NOTHING]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            function, argument = next(iter(value.items()))
            handler = getattr(self, f"_{function.replace('Fn::', '').lower()}", None)
            if handler and (function.startswith("Fn::") or function in ("Ref", "Condition")):
                if function == "Condition" and isinstance(argument, dict):
                    return {function: self.value(argument)}
                return handler(argument)
        resolved = {key: self.value(item) for key, item in value.items()}
        return {key: item for key, item in resolved.items() if item is not NOTHING}

    def _ref(self, name: str) -> Any:
        if name in self.names:
            return self.names[name]
        row = self.template["Resources"][name]
        if row["Type"] in REF_IS_ARN:
            return self._arn(name)
        if row["Type"] in REF_NAMES:
            return self.value(row["Properties"][REF_NAMES[row["Type"]]])
        return "0000-key" if row["Type"] == "AWS::KMS::Key" else name

    def _getatt(self, path: list[str]) -> str:
        if path[1] != "Arn":
            raise KeyError(f"attribute {path}")
        return self._arn(path[0])

    def _arn(self, name: str) -> str:
        row = self.template["Resources"][name]
        return ARNS[row["Type"]].format(logical=name, **self.value(row.get("Properties", {})))

    def _sub(self, text: str) -> str:
        def put(match: re.Match[str]) -> str:
            name, _, attribute = match[1].partition(".")
            return str(self._arn(name) if attribute == "Arn" else self._ref(name))

        return re.sub(r"\$\{([\w:.]+)\}", put, text)

    def _importvalue(self, name: Any) -> Any:
        return self.imports[self.value(name)]

    def _findinmap(self, path: list[str]) -> Any:
        return self.template["Mappings"][path[0]][path[1]][path[2]]

    def _if(self, parts: list[Any]) -> Any:
        return self.value(parts[1] if self.value({"Condition": parts[0]}) else parts[2])

    def _condition(self, name: str) -> Any:
        return self.value(self.template["Conditions"][name])

    def _equals(self, pair: list[Any]) -> bool:
        left, right = self.value(pair)
        return str(left) == str(right)

    def _not(self, one: list[Any]) -> bool:
        return not self.value(one[0])
