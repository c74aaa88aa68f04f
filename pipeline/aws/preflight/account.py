"""Every check of an account, in the order in which a run meets them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pipeline.aws.preflight.asking import answers
from pipeline.aws.preflight.creating import check_creating
from pipeline.aws.preflight.images import check_stored_images
from pipeline.aws.preflight.inputs import Inputs, check_inputs, check_mounts
from pipeline.aws.preflight.prices import usd_per_hour
from pipeline.aws.preflight.quotas import check_quotas
from pipeline.aws.preflight.registry import check_groups, groups_of
from pipeline.aws.preflight.roles import check_passing, check_roles
from pipeline.aws.preflight.storage import check_bucket, check_key
from pipeline.aws.session import Account
from pipeline.definition import Definition
from pipeline.errors import AsusuError, BadInput
from pipeline.preflight.addresses import mounted_addresses
from pipeline.preflight.check import Check
from pipeline.preflight.images import images_of
from pipeline.preflight.jobs import Job, jobs_of
from pipeline.preflight.money import check_plan, training_machines
from pipeline.preflight.quotas import needed_quotas
from pipeline.settings import Settings


def check_account(
    account: Account, chosen: Settings, pipeline: str, definition: Definition, parameters: Mapping[str, str]
) -> list[Check]:
    """Every check that asks the account of a pipeline; `parameters` as for `check_offline`, which judges the rest.

    A question that may not be asked, or is not answered, gives a row that is unknown. Raises BadInput for credentials
    that are missing or have expired.
    """
    jobs = jobs_of(definition, parameters)
    inputs = Inputs()
    mounts = mounted_addresses(definition, parameters)
    needs = needed_quotas(jobs, definition)
    caller = account.caller()
    return [
        *check_platform(account, chosen, groups_of(definition)),
        *answers(
            "passing roles", "iam:SimulatePrincipalPolicy", lambda: check_passing(account, chosen, caller, pipeline)
        ),
        *answers("creating jobs", "iam:SimulatePrincipalPolicy", lambda: check_creating(account, chosen, jobs)),
        *answers("images", "ecr:DescribeImages", lambda: check_stored_images(account, images_of(definition, jobs))),
        *answers(
            "inputs", "s3:GetObject, s3:ListBucket", lambda: check_inputs(account, chosen.bucket, parameters, inputs)
        ),
        *answers("mounted addresses", "s3:ListBucket", lambda: check_mounts(account, mounts)),
        *answers(
            "quotas",
            "servicequotas:ListServiceQuotas, servicequotas:GetServiceQuota",
            lambda: check_quotas(account, needs),
        ),
        *_cost(account, chosen, definition, parameters, jobs, inputs),
    ]


def check_platform(account: Account, chosen: Settings, groups: list[str]) -> list[Check]:
    """What the infrastructure of an environment holds: roles, bucket, key, groups."""
    number = str(account.caller()["Account"])
    return [
        *answers("roles", "iam:GetRole", lambda: check_roles(account, chosen, number)),
        *answers(
            f"bucket {chosen.bucket}",
            "s3:ListBucket, s3:GetBucketVersioning, s3:GetEncryptionConfiguration",
            lambda: check_bucket(account, chosen, number),
        ),
        *answers(
            f"key {chosen.kms_key}",
            "kms:DescribeKey, iam:SimulatePrincipalPolicy",
            lambda: check_key(account, chosen),
        ),
        *answers("group", "sagemaker:DescribeModelPackageGroup", lambda: check_groups(account, groups)),
    ]


def _cost(
    account: Account,
    chosen: Settings,
    definition: Definition,
    parameters: Mapping[str, str],
    jobs: list[Job],
    inputs: Inputs,
) -> Iterator[Check]:
    """Two rows: the price as the list has it today, and the plan at that price or at the dated table's."""
    prices: dict[str, float | None] = {}
    for machine in training_machines(jobs):
        name = f"price of {machine}"
        try:
            price = prices[machine] = usd_per_hour(account, chosen.region, machine)
        except BadInput:
            raise
        except AsusuError as error:
            yield Check(name, "unknown", error.message, "allow pricing:GetProducts: until then the dated table counts")
            continue
        if price is None:
            detail = "the price list has none, or several; the dated table of steps/instances.py is used"
            yield Check(name, "warning", detail)
        else:
            yield Check(name, "ok", f"${price:,.3f} an hour on demand in {chosen.region}")
    yield check_plan(definition, parameters, inputs.corpus, inputs.model, prices, chosen.spot.interruptions_per_day)
