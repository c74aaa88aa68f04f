"""The evaluator itself, on policies whose meaning is written in the IAM user guide."""

from __future__ import annotations

from typing import Any

import pytest

from tests.infra.policies import Policies
from tests.infra.templates import Resource


def decide(
    *statements: dict[str, Any], action: str = "s3:GetObject", resource: str = "arn:b/x", **context: Any
) -> bool:
    rows = [{"Sid": f"S{number}", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"} | row
            for number, row in enumerate(statements)]  # fmt: skip
    document = {"PolicyName": "p", "PolicyDocument": {"Statement": rows}}
    role = Resource("stack", "Role", "AWS::IAM::Role", {"RoleName": "r", "Policies": [document]}, kept=False)
    return Policies([role]).allows(
        "r", action, resource, {key.replace("__", ":"): value for key, value in context.items()}
    )


def test_nothing_is_allowed_unsaid() -> None:
    assert not decide()
    assert not decide({}, action="s3:PutObject")
    assert decide({})


def test_an_explicit_deny_wins() -> None:
    assert not decide({}, {"Effect": "Deny", "Resource": "arn:b/*"})
    assert decide({}, {"Effect": "Deny", "Resource": "arn:c/*"})


def test_a_deny_of_everything_else_spares_what_it_names() -> None:
    everything_else = {"Effect": "Deny", "Resource": [], "NotResource": ["arn:b/*", "arn:c"]}
    assert decide({}, everything_else)
    assert decide({}, everything_else, resource="arn:c")
    assert not decide({}, everything_else, resource="arn:d")


def test_actions_ignore_case_and_resources_do_not() -> None:
    assert decide({"Action": "S3:getobject"})
    assert not decide({"Resource": "ARN:b/*"})


def test_a_star_takes_slashes_and_brackets_are_letters() -> None:
    assert decide({"Resource": "arn:*/z"}, resource="arn:b/y/z")
    assert not decide({"Resource": "arn:[b]/x"})
    assert not decide({"Resource": "arn.b/x"})


@pytest.mark.parametrize(
    ("condition", "without", "right", "wrong"),
    [
        ({"StringEquals": {"k:a": ["v", "w"]}}, False, True, False),
        ({"StringNotEquals": {"k:a": "v"}}, True, False, True),
        ({"StringEqualsIfExists": {"k:a": "v"}}, True, True, False),
        ({"ForAllValues:StringEquals": {"k:a": "v"}}, True, True, False),
        ({"Null": {"k:a": "true"}}, True, False, False),
        ({"Null": {"k:a": "false"}}, False, True, True),
    ],
)
def test_a_condition_on_an_absent_a_matching_and_another_value(
    condition: dict[str, Any], without: bool, right: bool, wrong: bool
) -> None:
    row = {"Condition": condition}
    assert (decide(row), decide(row, k__a="v"), decide(row, k__a="x")) == (without, right, wrong)


def test_every_condition_must_hold_at_once() -> None:
    row = {"Condition": {"StringEquals": {"k:a": "v"}, "NumericLessThanEquals": {"k:n": 10}}}
    assert decide(row, k__a="v", k__n=10)
    assert not decide(row, k__a="v", k__n=11)


def test_every_value_of_a_list_must_be_allowed() -> None:
    row = {"Condition": {"ForAllValues:StringEquals": {"k:a": ["v", "w"]}}}
    assert decide(row, k__a=["w", "v"])
    assert not decide(row, k__a=["v", "x"])


def test_an_unknown_operator_is_not_guessed() -> None:
    with pytest.raises(KeyError):
        decide({"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}}, aws__SourceIp="10.0.0.1")
