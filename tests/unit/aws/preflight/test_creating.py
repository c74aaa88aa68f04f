"""What IAM would say to the jobs and to who asks, with the policies of the templates in its place: moto simulates nothing."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.aws.preflight.asking import answers
from pipeline.aws.preflight.creating import check_creating
from pipeline.aws.preflight.roles import check_passing
from pipeline.aws.session import Account
from pipeline.preflight import Check
from pipeline.preflight.jobs import jobs_of
from tests.infra.policies import Policies
from tests.infra.templates import Raw, read, resolve
from tests.unit.aws.preflight.conftest import GROUP, Stand, simulation
from tests.unit.preflight.deployed import NUMBER, REGION, chosen, definition

WEEK = 168 * 3600
TRAINING, PROCESSING = "creating training jobs", "creating processing jobs"


class Iam:
    """GetRole, and SimulatePrincipalPolicy by the evaluator of tests/infra; `asked` counts simulations by action."""

    def __init__(self, raw: Raw) -> None:
        self.policies = Policies(resolve(raw))
        self.asked: list[str] = []

    def get_role(self, **request: str) -> dict[str, Any]:
        return {"Role": {"Arn": f"arn:aws:iam::{NUMBER}:role/{request['RoleName']}"}}

    def simulate_principal_policy(self, **request: Any) -> dict[str, Any]:
        role = request["PolicySourceArn"].rsplit("/", 1)[-1]
        context = {row["ContextKeyName"]: row["ContextKeyValues"] for row in request["ContextEntries"]}
        self.asked += request["ActionNames"]
        rows = []
        for action in request["ActionNames"]:
            allowed = self.policies.allows(role, action, request["ResourceArns"][0], context)
            rows.append({"EvalActionName": action, "EvalDecision": "allowed" if allowed else "implicitDeny"})
        return {"EvaluationResults": rows}


def raised(seconds: int) -> Raw:
    """The templates as `make infra` deploys them for an environment with a longer training."""
    raw = read()
    raw["job-roles"]["Parameters"]["MaxTrainingSeconds"]["Default"] = seconds
    return raw


def asked(raw: Raw, change: Any = None) -> tuple[dict[str, Check], list[str]]:
    iam = Iam(raw)
    rows = check_creating(Account(REGION, clients={f"iam {REGION}": iam}), chosen(), jobs_of(definition(change), {}))
    return {row.name: row for row in rows}, iam.asked


def a_week(steps: Any) -> None:
    steps["TrainLora"]["StoppingCondition"]["MaxRuntimeInSeconds"] = WEEK


def test_the_shipped_jobs_may_be_created_and_alike_ones_are_asked_for_once() -> None:
    rows, simulated = asked(read())
    assert {name: row.status for name, row in rows.items()} == {TRAINING: "ok", PROCESSING: "ok"}
    jobs = jobs_of(definition(), {})
    assert 2 <= len(simulated) < len(jobs)
    assert all(any(job.step in row.detail for row in rows.values()) for job in jobs)


def test_a_training_longer_than_the_account_was_told_is_refused_before_anything_is_paid_for() -> None:
    rows, _ = asked(read(), a_week)
    assert (rows[TRAINING].status, rows[PROCESSING].status) == ("refused", "ok")
    assert "TrainLora on ml.g5.xlarge for 168 h" in rows[TRAINING].detail
    assert "Canary" not in rows[TRAINING].detail
    assert rows[TRAINING].fix.startswith("make infra")


def test_the_same_training_is_ok_after_the_account_was_told() -> None:
    rows, _ = asked(raised(WEEK), a_week)
    assert rows[TRAINING].status == "ok"


def test_a_machine_or_a_network_that_the_role_does_not_allow_is_refused() -> None:
    def larger(steps: Any) -> None:
        steps["CanaryTrain"]["ResourceConfig"]["InstanceType"] = "ml.p5.48xlarge"
        steps["PrepareCorpus"]["NetworkConfig"]["EnableNetworkIsolation"] = False

    rows, _ = asked(read(), larger)
    assert {row.status for row in rows.values()} == {"refused"}
    assert "CanaryTrain on ml.p5.48xlarge" in rows[TRAINING].detail
    assert "PrepareCorpus on ml.m5.xlarge for" in rows[PROCESSING].detail
    assert "with a network" in rows[PROCESSING].detail


@pytest.mark.parametrize("place", ["the answer", "the resource"])
def test_a_simulation_that_lacks_a_value_is_unknown_and_not_ok(empty: Stand, place: str) -> None:
    answer = simulation("implicitDeny", "sagemaker:CreateTrainingJob", missing=("aws:RequestTag/team",))
    row = answer["EvaluationResults"][0]
    if place == "the resource":
        lacking = {"MissingContextValues": row.pop("MissingContextValues")}
        row["ResourceSpecificResults"] = [
            {"EvalResourceName": "arn:x", "EvalResourceDecision": "implicitDeny", **lacking}
        ]
    stub = empty.stub("iam")
    jobs = [job for job in jobs_of(definition(), {}) if job.step == "TrainLora"]
    stub.add_response("simulate_principal_policy", answer)
    (check,) = check_creating(empty.account, empty.settings, jobs)
    assert check.status == "unknown"


def test_a_simulation_that_may_not_be_asked_for_is_unknown(empty: Stand) -> None:
    empty.stub("iam").add_client_error("simulate_principal_policy", "AccessDenied", "no")
    jobs = jobs_of(definition(), {})
    (check,) = answers(
        "creating jobs",
        "iam:SimulatePrincipalPolicy",
        lambda: check_creating(empty.account, empty.settings, jobs),
    )
    assert (check.name, check.status) == ("creating jobs", "unknown")


def passing(role: str, raw: Raw) -> Check:
    caller = {"Arn": f"arn:aws:sts::{NUMBER}:assumed-role/{role}/ada", "Account": NUMBER, "UserId": "AROAX:ada"}
    account = Account(REGION, clients={f"iam {REGION}": Iam(raw)})
    return next(check_passing(account, chosen(), caller, GROUP))


@pytest.mark.parametrize("role", ["asusu-operator", "asusu-approver"])
def test_passing_the_pipelines_role_is_not_the_part_of_who_may_not_change_the_pipeline(role: str) -> None:
    row = passing(role, read())
    assert row.status == "ok"
    assert "not your part" in row.detail


def test_who_deploys_passes_the_pipelines_role() -> None:
    row = passing("asusu-deploy", read())
    assert row.status == "ok"
    assert "not your part" not in row.detail


def test_who_may_change_the_pipeline_and_not_pass_its_role_is_refused() -> None:
    raw = read()
    (policy,) = raw["people-roles"]["Resources"]["DeployRole"]["Properties"]["Policies"]
    rows = policy["PolicyDocument"]["Statement"]
    rows[:] = [row for row in rows if row["Sid"] != "RoleOfThePipeline"]
    assert passing("asusu-deploy", raw).status == "refused"
