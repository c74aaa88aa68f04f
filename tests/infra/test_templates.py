"""The templates: nothing for the linter, nothing for the rules, and names that the rest of the project uses."""

from __future__ import annotations

import pytest

from pipeline.aws.preflight.registry import OF_THE_STACK
from pipeline.settings import load
from tests.infra.actions import overlap
from tests.infra.mistakes import alarm, filtered, put
from tests.infra.mutations import MEANING, SPELLING, Mutation, broken, linted, misspelt
from tests.infra.rules import RULES, findings
from tests.infra.templates import ACCOUNT, BUCKET, HERE, ORDER, REGION, Resource, read, resolve


@pytest.fixture(scope="module")
def resources() -> list[Resource]:
    return resolve(read())


@pytest.fixture(scope="module")
def said() -> dict[str, set[str]]:
    return misspelt()


def test_the_linter_has_nothing_to_say_not_even_a_warning() -> None:
    assert linted(read()) == {}


def test_every_rule_holds(resources: list[Resource]) -> None:
    assert findings(resources) == {}


@pytest.mark.parametrize("mutation", SPELLING, ids=lambda mutation: mutation.what)
def test_a_spelling_mistake_is_caught_by_the_linter(mutation: Mutation, said: dict[str, set[str]]) -> None:
    assert mutation.where in said


@pytest.mark.parametrize("mutation", MEANING, ids=lambda mutation: mutation.what)
def test_a_change_of_meaning_is_caught_by_its_rule(mutation: Mutation) -> None:
    assert mutation.rule in broken(mutation)


def test_every_rule_has_a_mistake_that_only_it_is_for() -> None:
    idle = RULES.keys() - {mutation.rule for mutation in MEANING} - {"known-actions"}  # cfn-lint's, too
    assert not idle


def test_an_alarm_and_a_filter_that_are_right_break_no_rule() -> None:
    assert broken(Mutation("nothing", "operations.Good", alarm())) == {}
    assert broken(Mutation("nothing", "operations.Good", filtered())) == {}


def test_an_action_that_does_not_exist_is_found_without_the_linter() -> None:
    raw = read()
    row = raw["job-roles"]["Resources"]["EvaluateRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][0]
    row["Action"] = ["ecr:BatchGetImages"]
    assert findings(resolve(raw))["known-actions"] == [
        "job-roles.EvaluateRole.evaluate.Images: there is no ecr:BatchGetImages"
    ]


def test_patterns_of_arns_overlap_part_by_part() -> None:
    assert overlap("arn:aws:sagemaker:r:1:pipeline/asusu-*", "arn:*:sagemaker:*:*:pipeline/*/execution/*")
    assert not overlap("arn:aws:sagemaker:*:*:pipelines/*", "arn:*:sagemaker:*:*:pipeline/*")


def test_a_finding_says_where_and_what() -> None:
    mutation = Mutation("", "platform.TrainImages", put("ImageTagMutability", "MUTABLE"))
    assert broken(mutation)["fixed-images"] == ["platform.TrainImages: a tag may be moved"]


def test_names_are_those_of_the_production_environment(resources: list[Resource]) -> None:
    settings = load("production", {"account": ACCOUNT})

    def names(kind: str, name: str) -> set[str]:
        return {str(row.properties[name]) for row in resources if row.type == kind}

    assert settings.region == REGION
    assert settings.bucket == BUCKET
    assert settings.bucket in names("AWS::S3::Bucket", "BucketName")
    assert {settings.kms_key} == names("AWS::KMS::Alias", "AliasName")
    wanted = {arn.rsplit("/", 1)[1] for arn in settings.roles.model_dump().values()}
    assert wanted <= names("AWS::IAM::Role", "RoleName")
    images = {image.split("@")[0].rsplit("/", 1)[1] for image in settings.images.model_dump().values()}
    assert images == names("AWS::ECR::Repository", "RepositoryName")
    assert all(image.startswith(f"{ACCOUNT}.dkr.ecr.{REGION}.") for image in settings.images.model_dump().values())


def test_the_longest_job_is_that_of_the_production_environment() -> None:
    settings = load("production", {"account": ACCOUNT})
    assert read()["job-roles"]["Parameters"]["MaxTrainingSeconds"]["Default"] == settings.max_runtime_hours * 3600


def test_what_another_stack_needs_is_deployed_before_it() -> None:
    with pytest.raises(KeyError):
        resolve({"platform": {"Resources": {}}, **{name: read()[name] for name in ORDER[1:]}})


def test_the_groups_that_preflight_sends_to_make_infra_are_those_of_the_stack(resources: list[Resource]) -> None:
    made = {
        row.properties["ModelPackageGroupName"] for row in resources if row.type == "AWS::SageMaker::ModelPackageGroup"
    }
    assert made == set(OF_THE_STACK)


def test_the_pipeline_itself_is_not_in_a_stack(resources: list[Resource]) -> None:
    assert "AWS::SageMaker::Pipeline" not in {row.type for row in resources}


def test_every_champion_variable_names_what_the_stacks_make(resources: list[Resource]) -> None:
    function = next(row for row in resources if row.where == "operations.Champion")
    assert function.properties["Environment"]["Variables"] == {
        "BUCKET": BUCKET,
        "TOPIC": f"arn:aws:sns:{HERE}:asusu-notices",
    }
