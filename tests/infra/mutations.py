"""Mistakes that somebody could make in the templates, and what catches each. `python -m tests.infra.mutations` prints them.

A linter catches what is spelled wrongly, the rules what means the wrong thing. Alarms, dashboards and metric filters are
not in the templates yet; their mistakes are put in beside what is there, so that the rules wait for them.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass

from cfnlint.api import ManualArgs, lint

from tests.infra.mistakes import (
    Change,
    add_resource,
    alarm,
    approve,
    expire,
    filtered,
    no_mfa,
    public,
    put,
    register_approved,
    shell,
    start,
    statement,
    without,
)
from tests.infra.openings import OPENINGS
from tests.infra.rules import findings
from tests.infra.templates import REGION, Raw, read, resolve


@dataclass(frozen=True)
class Mutation:
    """One mistake at `stack.Resource`. `rule` must find it; None where cfn-lint must, at that resource."""

    what: str
    where: str
    change: Change
    rule: str | None = None

    def apply(self, raw: Raw) -> None:
        """Make the mistake in these templates."""
        stack, resource = self.where.split(".")
        self.change(raw[stack]["Resources"].setdefault(resource, {}))


APPROVES = {"StringEquals": {"sagemaker:ModelApprovalStatus": ["Approved", "Rejected"]}}
NO_KEY = {"StringEquals": {"sagemaker:ApprovalStatus": "PendingManualApproval"}}
SEARCH = [{"Id": "e", "Expression": "SEARCH('{AWS/Lambda,FunctionName}', 'Sum')", "ReturnData": True}]
OF_A_METRIC = dict.fromkeys(("Namespace", "MetricName", "Dimensions", "Statistic", "Period"))
TRUST = ("Properties", "AssumeRolePolicyDocument", "Statement", 0, "Condition")
NOT_JSON = {"DashboardBody": {"Fn::Sub": '{"widgets": [${AWS::Region}]}'}}
WRONG_ARN = {"Fn::Sub": "arn:${AWS::Partition}:sagemaker:*:*:pipelines/*"}

SPELLING = [  # one for each resource, since the linter sees them all at once
    Mutation("a misspelt property", "operations.Champion", put("Timeut", 900)),
    Mutation("a value that is no choice", "platform.TrainImages", put("ImageTagMutability", "FIXED")),
    Mutation(
        "GetAtt of what is not there", "operations.NoticeRetries", put("Qualifier", {"Fn::GetAtt": ["Gone", "Arn"]})
    ),
    Mutation("two that need each other", "operations.NoticeLog", put("LogGroupName", {"Fn::Sub": "/${Notice}"})),
    Mutation("a statistic that does not exist", "operations.BadStatistic", alarm(Statistic="Averge")),
    Mutation("a retention that the service lacks", "operations.ChampionLog", put("RetentionInDays", 91)),
    Mutation("an illegal bucket name", "platform.AccessLogs", put("BucketName", "Asusu_Logs")),
    Mutation("an illegal group name", "platform.IgboModels", put("ModelPackageGroupName", "asusu_igbo!")),
    Mutation("a runtime past its end", "operations.Notice", put("Runtime", "python3.8")),
    Mutation("a misspelt action", "operations.NoticeRole", statement("Say", Action="sns:Publsh")),
]

_MEANING: dict[str, list[tuple[str, str, Change]]] = {
    "known-condition-keys": [
        ("a misspelt condition key", "job-roles.PipelineRole", statement("Register", Condition=NO_KEY)),
    ],
    "no-wild-actions": [
        ("the train role widened to every action", "job-roles.TrainRole", statement("Read", Action="*", Resource="*")),
        ("a job that may do all of S3", "job-roles.PrepareRole", statement("Write", Action="s3:*")),
    ],
    "named-resources": [
        ("a right on everything", "people-roles.OperatorRole", statement("Run", Resource="*")),
        ("a right on what the action never takes", "people-roles.OperatorRole", statement("Run", Resource=WRONG_ARN)),
    ],
    "passed-roles": [
        ("a pipeline that passes any role", "job-roles.PipelineRole", statement("RolesOfTheSteps", Resource="*")),
        ("a role passed to any service", "job-roles.PipelineRole", statement("RolesOfTheSteps", Condition=None)),
    ],
    "separate-duties": [
        (
            "the approver widened to sagemaker:*",
            "people-roles.ApproverRole",
            statement("Decide", Action="sagemaker:*", Resource="*", Condition=None),
        ),
        ("an approver who changes the sum", "people-roles.ApproverRole", statement("Decide", Condition=APPROVES)),
        ("an approver who may start", "people-roles.ApproverRole", start),
        ("an operator who may approve", "people-roles.OperatorRole", approve),
        ("a deployment that may start", "people-roles.DeployRole", start),
        ("a pipeline that may approve", "job-roles.PipelineRole", approve),
        ("a pipeline that registers as approved", "job-roles.PipelineRole", register_approved),
        ("jobs with a shell", "job-roles.PipelineRole", shell),
    ],
    "trusted-by-whom-it-should": [
        ("an approver without a second factor", "people-roles.ApproverRole", no_mfa),
        ("a role that SageMaker takes for others", "job-roles.TrainRole", without(*TRUST)),
    ],
    "lasting-things-are-kept": [
        ("a bucket that goes with its stack", "platform.Bucket", without("DeletionPolicy")),
    ],
    "closed-buckets": [
        ("the public-access block off", "platform.Bucket", public),
        ("a bucket without versions", "platform.Bucket", without("Properties", "VersioningConfiguration")),
        ("a rule that deletes checkpoints", "platform.Bucket", expire),
        ("a bucket that answers without TLS", "platform.BucketPolicy", statement("OnlyOverTls", Action="s3:PutObject")),
    ],
    "one-key": [
        ("a bucket that takes any key", "platform.BucketPolicy", statement("OnlyWithOurKey", Action="s3:GetObject")),
    ],
    "fixed-images": [
        ("tags that may be moved", "platform.TrainImages", put("ImageTagMutability", "MUTABLE")),
        ("images that nobody scans", "platform.TrainImages", put("ImageScanningConfiguration", "ScanOnPush", False)),
    ],
    "real-events": [
        (
            "a misspelt detail-type",
            "operations.PackageWaits",
            put("EventPattern", "detail-type", ["SageMaker Model Change"]),
        ),
        (
            "a misspelt field of an event",
            "operations.RunEndedBadly",
            put("EventPattern", "detail", "status", ["Failed"]),
        ),
        ("a rule for everybody's models", "operations.PackageChanged", put("EventPattern", "detail", {})),
        (
            "a rule that may not call",
            "operations.PackageWaitsMayCall",
            put("SourceArn", "arn:aws:events:*:*:rule/other"),
        ),
    ],
    "topics-with-our-key": [
        ("a topic under the service's own key", "operations.Notices", put("KmsMasterKeyId", "alias/aws/sns")),
    ],
    "functions-that-exist": [
        ("a handler that is not there", "operations.Champion", put("Handler", "champion.handle")),
    ],
    "alarms-that-can-ring": [
        ("an alarm over more than a day", "operations.Bad", alarm(EvaluationPeriods=289)),
        ("SEARCH in an alarm", "operations.Bad", alarm(**OF_A_METRIC, Metrics=SEARCH)),
        ("a misspelt dimension", "operations.Bad", alarm(Dimensions=[{"Name": "Pipeline", "Value": "asusu-igbo"}])),
        ("an alarm that tells nobody", "operations.Bad", alarm(AlarmActions=None)),
    ],
    "dashboards-of-json": [
        ("a dashboard that is not JSON", "operations.Bad", add_resource("AWS::CloudWatch::Dashboard", NOT_JSON)),
    ],
    "metric-filters-that-work": [
        (
            "a filter with dimensions and a default",
            "operations.Bad",
            filtered(DefaultValue=0, Dimensions=[{"Key": "g"}]),
        ),
    ],
}
MEANING = [Mutation(*row, rule=rule) for table in (_MEANING, OPENINGS) for rule, rows in table.items() for row in rows]


def linted(raw: Raw, stacks: set[str] | None = None) -> dict[str, set[str]]:
    """What cfn-lint says of some stacks (else all), warnings too: `stack.Resource` to the ids of its rules."""
    said: dict[str, set[str]] = {}
    for stack in stacks or raw:
        for match in lint(json.dumps(raw[stack]), config=ManualArgs(regions=[REGION])):
            path = [str(part) for part in match.path or []]
            resource = path[1] if path[:1] == ["Resources"] and len(path) > 1 else "template"
            said.setdefault(f"{stack}.{resource}", set()).add(match.rule.id)
    return said


def misspelt() -> dict[str, set[str]]:
    """What cfn-lint says of all spelling mistakes at once."""
    raw = read()
    for mutation in SPELLING:
        mutation.apply(raw)
    return linted(raw, {mutation.where.split(".")[0] for mutation in SPELLING})


def broken(mutation: Mutation) -> dict[str, list[str]]:
    """What the rules say of one mistake."""
    raw = read()
    mutation.apply(raw)
    return findings(resolve(raw))


def main() -> None:
    """The table of mistakes, and what caught each."""
    said = misspelt()
    caught = {row.what: "cfn-lint " + ", ".join(sorted(said.get(row.where, {"NOTHING"}))) for row in SPELLING}
    caught |= {row.what: ", ".join(broken(row)) or "NOTHING" for row in MEANING}
    wide = max(map(len, caught))
    sys.stdout.write("".join(f"{what:<{wide}}  {by}\n" for what, by in {"MISTAKE": "CAUGHT BY", **caught}.items()))


if __name__ == "__main__":
    main()
