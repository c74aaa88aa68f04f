"""Quotas by name with the applied value, and today's price: the right one or none."""

from __future__ import annotations

import pytest

from pipeline.aws.preflight.asking import answers
from pipeline.aws.preflight.prices import usd_per_hour
from pipeline.aws.preflight.quotas import check_quotas
from pipeline.preflight import Check
from pipeline.preflight.jobs import jobs_of
from pipeline.preflight.quotas import Need, needed_quotas
from tests.unit.aws.preflight.conftest import ASKED, QUOTAS, Stand, product
from tests.unit.preflight.deployed import definition

G5 = "quota: ml.g5.xlarge for training job usage"


def quotas(stand: Stand) -> dict[str, Check]:
    graph = definition()
    return {row.name: row for row in check_quotas(stand.account, needed_quotas(jobs_of(graph, {}), graph))}


def test_quotas_are_found_by_name_over_pages_and_judged_by_the_applied_value(empty: Stand) -> None:
    empty.quotas()
    rows = quotas(empty)
    assert len(rows) == len(ASKED)
    assert {row.status for row in rows.values()} == {"ok"}
    assert rows["quota: Longest run time for a training job"].detail == "TrainLora: needs 120 h, the account has 120 h"


def test_a_quota_of_zero_is_refused_with_the_command_that_asks_for_more(empty: Stand) -> None:
    empty.quotas(L_B6D80D9C=0.0)
    row = quotas(empty)[G5]
    assert row.status == "refused"
    assert "CanaryTrain, CanaryResume, TrainLora: needs 1, the account has 0" in row.detail
    assert "request-service-quota-increase" in row.fix


def test_a_run_longer_than_the_quota_is_refused(empty: Stand) -> None:
    empty.quotas(L_33A961FD=86_400.0)
    assert quotas(empty)["quota: Longest run time for a training job"].status == "refused"


def test_a_quota_without_an_applied_value_is_unknown(empty: Stand) -> None:
    empty.quotas(L_B6D80D9C=None)
    row = quotas(empty)[G5]
    assert row.status == "unknown"
    assert "no applied value for L-B6D80D9C" in row.detail


@pytest.mark.parametrize(
    ("name", "unit", "status"),
    [
        ("ml.g5.xlarge for training job usage", "None", "ok"),
        ("ml.g5.xlarge for training warm pool usage", "None", "unknown"),
        ("ml.g5.xlarge for training job usage", "Gigabytes", "unknown"),
    ],
)
def test_a_code_written_down_here_is_believed_only_with_its_name(
    empty: Stand, name: str, unit: str, status: str
) -> None:
    need = Need("ml.g5.xlarge for training job usage", 1, "instances", "TrainLora")
    stub = empty.stub("service-quotas")
    stub.add_response("list_service_quotas", {"Quotas": []})
    answer = {"QuotaName": name, "QuotaCode": need.code, "Value": 4.0, "Unit": unit}
    stub.add_response("get_service_quota", {"Quota": answer}, {"ServiceCode": "sagemaker", "QuotaCode": "L-B6D80D9C"})
    (row,) = check_quotas(empty.account, [need])
    assert row.status == status


def test_a_quota_that_nobody_has_heard_of_is_unknown(empty: Stand) -> None:
    empty.stub("service-quotas").add_response("list_service_quotas", {"Quotas": []})
    (row,) = check_quotas(empty.account, [Need("ml.z9.huge for training job usage", 1, "instances", "TrainLora")])
    assert row.status == "unknown"


def test_quotas_that_may_not_be_listed_are_unknown(empty: Stand) -> None:
    empty.stub("service-quotas").add_client_error("list_service_quotas", "AccessDeniedException", "no")
    (row,) = answers("quotas", "servicequotas:ListServiceQuotas", lambda: check_quotas(empty.account, []))
    assert row.status == "unknown"
    assert "ListServiceQuotas" in row.detail


def test_every_code_written_down_has_the_form_of_one() -> None:
    assert all(code.startswith("L-") and len(code) == 10 for code, _ in QUOTAS.values())


@pytest.mark.parametrize(
    ("products", "price"),
    [
        ([product(1.408)], 1.408),
        ([product(1.408), product(0.0), product(1.408)], 1.408),
        ([product(1.408), product(1.2)], None),
        ([product(0.016, unit="GB-Mo")], None),
        (["{}", "not JSON", '{"terms": []}'], None),
        ([], None),
    ],
)
def test_a_price_is_the_only_one_in_the_list_or_none(empty: Stand, products: list[str], price: float | None) -> None:
    stub = empty.stub("pricing")
    filters = [
        {"Type": "TERM_MATCH", "Field": "regionCode", "Value": "eu-west-1"},
        {"Type": "TERM_MATCH", "Field": "instanceName", "Value": "ml.g5.xlarge"},
        {"Type": "TERM_MATCH", "Field": "component", "Value": "Training"},
    ]
    asked = {"ServiceCode": "AmazonSageMaker", "Filters": filters}
    stub.add_response("get_products", {"PriceList": products}, asked)
    assert usd_per_hour(empty.account, "eu-west-1", "ml.g5.xlarge") == price
