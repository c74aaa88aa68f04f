"""SimulatePrincipalPolicy, judged by the templates' own policies: people have the rights of the role that they work as."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from tests.infra.policies import Policies
from tests.infra.templates import ARNS, read, resolve

WORKS_AS = {"engineer": "asusu-deploy", "operator": "asusu-operator", "approver": "asusu-approver"}
KEY = ":key/"
ANSWER = """<SimulatePrincipalPolicyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
<SimulatePrincipalPolicyResult><IsTruncated>false</IsTruncated><EvaluationResults>{}</EvaluationResults>
</SimulatePrincipalPolicyResult><ResponseMetadata><RequestId>0</RequestId></ResponseMetadata>
</SimulatePrincipalPolicyResponse>"""


def is_simulation(body: bytes) -> bool:
    """Whether a query request asks for this operation."""
    return body.startswith(b"Action=SimulatePrincipalPolicy&")


def simulate(body: bytes) -> str:
    """The answer, as XML."""
    form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    source = form["PolicySourceArn"].rsplit("/", 1)[-1]
    policies = Policies(resolve(read()))
    context = {form[f"{entry}.ContextKeyName"]: form[f"{entry}.ContextKeyValues.member.1"] for entry in _entries(form)}
    rows = []
    for action in _members(form, "ActionNames"):
        for resource in _members(form, "ResourceArns"):
            here = ARNS["AWS::KMS::Key"] if KEY in resource else resource
            allowed = policies.allows(WORKS_AS.get(source, source), action, here, context)
            decision = "allowed" if allowed else "implicitDeny"
            rows.append(
                f"<member><EvalActionName>{escape(action)}</EvalActionName><EvalResourceName>{escape(resource)}"
                f"</EvalResourceName><EvalDecision>{decision}</EvalDecision></member>"
            )
    return ANSWER.format("".join(rows))


def _members(form: Mapping[str, str], name: str) -> Iterator[str]:
    number = 1
    while f"{name}.member.{number}" in form:
        yield form[f"{name}.member.{number}"]
        number += 1


def _entries(form: Mapping[str, str]) -> list[str]:
    return sorted({name.rsplit(".", 1)[0] for name in form if name.endswith(".ContextKeyName")})
