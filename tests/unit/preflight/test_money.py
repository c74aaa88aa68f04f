"""Hours and dollars of a plan at the price of today."""

from __future__ import annotations

import pytest

from pipeline.estimate import MISTRAL_7B
from pipeline.preflight.jobs import jobs_of
from pipeline.preflight.money import check_plan, training_machines
from steps.contract import BaseModelManifest, CorpusManifest, CorpusSource
from tests.unit.preflight.deployed import definition

PAIRS = 20_000
CORPUS = CorpusManifest(
    name="news",
    languages=["en", "ig"],
    sources=[CorpusSource(name="news", licence="CC", format="tsv", paths=["data/01-news.tsv"], lines=PAIRS)],
    files=[],
    pairs=PAIRS,
    words={"en": 20 * PAIRS, "ig": 20 * PAIRS},
    fingerprint="1f",
)
MODEL = BaseModelManifest(
    name="mistral",
    revision="a",
    licence="Apache-2.0",
    architecture="MistralForCausalLM",
    parameters=7_000_000_000,
    vocabulary=32_000,
    shape=MISTRAL_7B,
    files=[],
    fingerprint="2e",
)
GIVEN = {"CorpusUri": "s3://bucket/corpora/1f", "BaseModelUri": "s3://bucket/base-models/2e"}
G5 = "ml.g5.xlarge"


def status(price: float | None, **given: str) -> str:
    return check_plan(definition(), GIVEN | given, CORPUS, MODEL, {G5: price}, 1.0).status


def test_the_price_of_today_decides_and_not_the_tables() -> None:
    assert status(1.408) == "ok"
    assert status(1.408, MaxCostUsd="1") == "refused", "the dated table already says no"
    row = check_plan(definition(), GIVEN, CORPUS, MODEL, {G5: 200.0}, 1.0)
    assert row.status == "refused"
    assert "at $200.000" in row.detail
    assert "MaxCostUsd=100" in row.detail


def test_without_a_price_of_today_a_plan_that_fits_is_a_warning() -> None:
    assert status(None) == "warning"
    assert status(None, MaxCostUsd="1") == "refused"


def test_a_plan_of_more_hours_than_allowed_is_refused_at_any_price() -> None:
    row = check_plan(definition(), GIVEN | {"MaxTrainingHours": "1"}, CORPUS, MODEL, {G5: 0.01}, 1.0)
    assert row.status == "refused"
    assert "MaxTrainingHours is 1" in row.detail


@pytest.mark.parametrize(("corpus", "model"), [(None, MODEL), (CORPUS, None)])
def test_a_plan_without_its_inputs_is_unknown(corpus: CorpusManifest | None, model: BaseModelManifest | None) -> None:
    assert check_plan(definition(), GIVEN, corpus, model, {G5: 1.4}, 1.0).status == "unknown"


def test_only_machines_that_train_are_priced() -> None:
    assert training_machines(jobs_of(definition(), {"TrainingInstanceType": "ml.g5.2xlarge"})) == ["ml.g5.2xlarge"]
