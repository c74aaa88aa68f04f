"""Quotas of an account: found by name, then asked for the applied value, which the default is not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pipeline.aws.preflight.asking import found
from pipeline.aws.session import Account, explained
from pipeline.preflight.check import Check
from pipeline.preflight.quotas import Need, judge_quota

SERVICE = "sagemaker"
UNITS = {"instances": ("None", "Count", ""), "seconds": ("None", "Second", "Seconds", "")}


def check_quotas(account: Account, needs: list[Need]) -> Iterator[Check]:
    """A row for each need."""
    codes = _codes(account)
    for need in needs:
        code = codes.get(need.quota) or need.code
        answer = _applied(account, code) if code else None
        if not code:
            yield judge_quota(need, None, "the account lists no quota of that name")
        elif answer is None:
            yield judge_quota(need, None, f"the account has no applied value for {code}")
        elif answer.get("QuotaName") != need.quota:
            yield judge_quota(need, None, f"{code} is {answer.get('QuotaName')!r}, another quota")
        elif str(answer.get("Unit", "")) not in UNITS[need.unit] or "Value" not in answer:
            yield judge_quota(need, None, f"{code} is counted in {answer.get('Unit')}")
        else:
            yield judge_quota(need, float(answer["Value"]))


def _codes(account: Account) -> dict[str, str]:
    """Name to code of every quota of SageMaker that the account lists; some two thousand, a hundred a page."""
    with explained("listing the quotas"):
        pages = account.client("service-quotas").get_paginator("list_service_quotas").paginate(ServiceCode=SERVICE)
        return {row["QuotaName"]: row["QuotaCode"] for page in pages for row in page["Quotas"]}


def _applied(account: Account, code: str) -> dict[str, Any] | None:
    answer = found(
        f"asking for the quota {code}",
        account.client("service-quotas").get_service_quota,
        ServiceCode=SERVICE,
        QuotaCode=code,
    )
    return answer["Quota"] if answer else None
