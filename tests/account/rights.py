"""Who may do what here: people have the rights that the templates give the role they work as, and nobody else is bound.

SageMaker's requests are held against them, and SimulatePrincipalPolicy is answered from them. S3, logs and the rest are not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from tests.infra.policies import Policies
from tests.infra.templates import ACCOUNT, ARNS, REGION, read, resolve

WORKS_AS = {"engineer": "asusu-deploy", "operator": "asusu-operator", "approver": "asusu-approver"}
KEY = ":key/"
KINDS = {  # members that name what a request is about, the nearest first
    "PipelineExecutionArn": "pipeline",
    "PipelineName": "pipeline",
    "ModelPackageArn": "model-package",
    "ModelPackageName": "model-package",
    "ModelPackageGroupName": "model-package-group",
    "TrainingJobName": "training-job",
    "ProcessingJobName": "processing-job",
    "ResourceArn": "",
}
ANSWER = """<SimulatePrincipalPolicyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">
<SimulatePrincipalPolicyResult><IsTruncated>false</IsTruncated><EvaluationResults>{}</EvaluationResults>
</SimulatePrincipalPolicyResult><ResponseMetadata><RequestId>0</RequestId></ResponseMetadata>
</SimulatePrincipalPolicyResponse>"""


def may(arn: str, operation: str, request: Mapping[str, Any]) -> bool:
    """Whether a person may make a SageMaker request."""
    role = WORKS_AS.get(arn.rsplit("/", 1)[-1])
    status = request.get("ModelApprovalStatus")
    context = {"sagemaker:ModelApprovalStatus": status} if status else {}
    return role is None or _policies().allows(role, f"sagemaker:{operation}", _resource(operation, request), context)


def _resource(operation: str, request: Mapping[str, Any]) -> str:
    """The ARN that a request is about, `*` for listings of everything."""
    for member, kind in KINDS.items():
        if name := str(request.get(member, "")):
            return name if name.startswith("arn:") else f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:{kind}/{name}"
    return "*"


@cache
def _policies() -> Policies:
    return Policies(resolve(read()))


def is_simulation(body: bytes) -> bool:
    """Whether a query request asks for this operation."""
    return body.startswith(b"Action=SimulatePrincipalPolicy&")


def simulate(body: bytes) -> str:
    """The answer, as XML."""
    form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
    source = form["PolicySourceArn"].rsplit("/", 1)[-1]
    policies = _policies()
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
