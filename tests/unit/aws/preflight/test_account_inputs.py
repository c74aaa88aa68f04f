"""Corpus and base model in the account: whole as their manifests say; and the whole preflight, plan and price included."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.aws.preflight import check_account
from pipeline.aws.preflight.inputs import Inputs, check_inputs, check_mounts
from pipeline.aws.session import connect
from pipeline.errors import BadInput
from pipeline.preflight import Check, verdict
from pipeline.preflight.addresses import mounted_addresses
from pipeline.staging.corpus import parse_spec, publish_corpus
from steps.contract import BaseModelManifest, CorpusManifest, load
from steps.evaluate.champion import find_champion
from steps.job import Refused
from tests.unit.aws.preflight.conftest import ADA, GROUP, Stand, put_folder
from tests.unit.preflight.deployed import BUCKET, definition


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus")
    lines = ["en\tig", *(f"good morning {number}\tụtụtụ ọma {number}" for number in range(50))]
    (folder / "small.tsv").write_text("\n".join(lines), encoding="utf-8")
    manifest = publish_corpus([parse_spec(str(folder / "small.tsv"))], ("en", "ig"), folder / "corpora")
    return folder / "corpora" / manifest.fingerprint


@pytest.fixture
def given(empty: Stand, corpus: Path, base_model: Path) -> dict[str, str]:
    """Both published; the parameters that name them."""
    if BUCKET not in [row["Name"] for row in empty.account.s3.list_buckets()["Buckets"]]:
        empty.account.s3.create_bucket(Bucket=BUCKET)
    model = load(base_model / "manifest.json", BaseModelManifest).fingerprint
    put_folder(empty.account, corpus, f"corpora/{corpus.name}")
    put_folder(empty.account, base_model, f"base-models/{model}")
    return {
        "CorpusUri": f"s3://{BUCKET}/corpora/{corpus.name}",
        "BaseModelUri": f"s3://{BUCKET}/base-models/{model}",
    }


def rows(stand: Stand, given: dict[str, str]) -> dict[str, Check]:
    return {row.name: row for row in check_inputs(stand.account, BUCKET, given, Inputs())}


def files_of(folder: Path, corpus: bool = True) -> list[str]:
    kind = CorpusManifest if corpus else BaseModelManifest
    return [entry.path for entry in load(folder / "manifest.json", kind).files]


def test_what_was_published_whole_is_ok_and_read(empty: Stand, given: dict[str, str]) -> None:
    inputs = Inputs()
    found = list(check_inputs(empty.account, BUCKET, given, inputs))
    assert [row.status for row in found] == ["ok", "ok"]
    assert inputs.corpus is not None
    assert inputs.corpus.pairs == 50
    assert inputs.model is not None


def test_a_file_that_is_missing_is_refused_by_name(empty: Stand, given: dict[str, str], corpus: Path) -> None:
    gone = files_of(corpus)[0]
    empty.account.s3.delete_object(Bucket=BUCKET, Key=f"corpora/{corpus.name}/{gone}")
    row = rows(empty, given)["corpus"]
    assert (row.status, row.fix) == ("refused", "asusu publish again: it sends what is missing")
    assert f"{gone} is missing" in row.detail


def test_a_file_of_another_size_or_sum_is_refused(empty: Stand, given: dict[str, str], corpus: Path) -> None:
    key = f"corpora/{corpus.name}/{files_of(corpus)[0]}"
    size = (corpus / files_of(corpus)[0]).stat().st_size
    empty.account.s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")
    assert "has 1 bytes instead of" in rows(empty, given)["corpus"].detail
    empty.account.s3.put_object(Bucket=BUCKET, Key=key, Body=b"x" * size, Metadata={"sha256": "0" * 64})
    assert "with another sum" in rows(empty, given)["corpus"].detail


def test_files_whose_sums_nobody_stated_are_a_warning(empty: Stand, given: dict[str, str], corpus: Path) -> None:
    name = files_of(corpus)[0]
    empty.account.s3.put_object(Bucket=BUCKET, Key=f"corpora/{corpus.name}/{name}", Body=(corpus / name).read_bytes())
    row = rows(empty, given)["corpus"]
    assert row.status == "warning"
    assert "the sums of 1 could not be looked at" in row.detail


def test_a_pickle_slipped_in_beside_the_weights_is_refused(empty: Stand, given: dict[str, str]) -> None:
    prefix = given["BaseModelUri"].removeprefix(f"s3://{BUCKET}/")
    empty.account.s3.put_object(Bucket=BUCKET, Key=f"{prefix}/model/pytorch_model.bin", Body=b"x")
    row = rows(empty, given)["base model"]
    assert row.status == "refused"
    assert "model/pytorch_model.bin is there, and in no manifest" in row.detail
    assert row.fix == f"aws s3 rm {given['BaseModelUri']}/model/pytorch_model.bin", "publishing again leaves it there"


def test_a_folder_without_a_manifest_was_not_published_to_the_end(empty: Stand, given: dict[str, str]) -> None:
    prefix = given["CorpusUri"].removeprefix(f"s3://{BUCKET}/")
    empty.account.s3.delete_object(Bucket=BUCKET, Key=f"{prefix}/manifest.json")
    assert "there is no manifest.json" in rows(empty, given)["corpus"].detail


@pytest.mark.parametrize("uri", [f"s3://{BUCKET}/elsewhere/x", "s3://other/corpora/x"])
def test_an_address_that_the_runs_own_preflight_refuses_is_refused_here(empty: Stand, uri: str) -> None:
    assert rows(empty, {"CorpusUri": uri})["corpus"].status == "refused"


def test_a_manifest_of_another_kind_is_refused(empty: Stand, given: dict[str, str]) -> None:
    swapped = given["BaseModelUri"].removeprefix(f"s3://{BUCKET}/")
    body = empty.account.s3.get_object(Bucket=BUCKET, Key=f"{swapped}/manifest.json")["Body"].read()
    prefix = given["CorpusUri"].removeprefix(f"s3://{BUCKET}/")
    empty.account.s3.put_object(Bucket=BUCKET, Key=f"{prefix}/manifest.json", Body=body)
    assert "is not a manifest of this version" in rows(empty, given)["corpus"].detail


def test_inputs_that_nobody_named_are_unknown(empty: Stand) -> None:
    assert {row.status for row in rows(empty, {}).values()} == {"unknown"}


def test_an_empty_prefix_that_a_job_mounts_is_refused_with_the_step(empty: Stand, given: dict[str, str]) -> None:
    mounts = mounted_addresses(definition(), given)
    assert f"s3://{BUCKET}/champion/asusu-igbo/" in mounts
    assert not [address for address in mounts if "abcdef123456" in address], "a run's own addresses are not there yet"
    (row,) = check_mounts(empty.account, mounts)  # and none of a champion where nothing lies
    assert row.status == "refused"
    assert f"s3://{BUCKET}/champion/asusu-igbo/ (EvaluateModel)" in row.detail
    for key in ("champion/asusu-igbo/none.json", "checkpoints/none/none.json"):
        empty.account.s3.put_object(Bucket=BUCKET, Key=key, Body=b"{}")
    assert [row.status for row in check_mounts(empty.account, mounts)] == ["ok", "ok"]


WHOLE = ("adapter/adapter_config.json", "adapter/adapter_model.safetensors", "champion.json")


@pytest.mark.parametrize(
    ("names", "status", "said"),
    [
        (("none.json",), "ok", "nobody yet"),
        (WHOLE, "ok", "whole"),
        ((*WHOLE, "none.json"), "refused", "holds none.json beside adapter/adapter_config.json"),
        (("champion.json", "none.json"), "ok", "nobody yet"),
        (WHOLE[:2], "refused", "lacks champion.json"),
        (WHOLE[1:], "refused", "lacks adapter/adapter_config.json"),
    ],
)
def test_a_champions_folder_that_evaluation_would_refuse_after_training_is_refused_before(
    empty: Stand, given: dict[str, str], tmp_path: Path, names: tuple[str, ...], status: str, said: str
) -> None:
    for name in names:
        empty.account.s3.put_object(Bucket=BUCKET, Key=f"champion/asusu-igbo/{name}", Body=b"{}")
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
    empty.account.s3.put_object(Bucket=BUCKET, Key="checkpoints/none/none.json", Body=b"{}")
    mounted, champion = check_mounts(empty.account, mounted_addresses(definition(), given))
    assert mounted.status == "ok"
    assert (champion.name, champion.status) == ("champion", status)
    assert said in champion.detail
    if status == "refused":
        with pytest.raises(Refused):
            find_champion(tmp_path)
    elif names != WHOLE:
        assert find_champion(tmp_path) is None


def whole(stand: Stand, given: dict[str, str], **quotas: float | None) -> list[Check]:
    for key in ("champion/asusu-igbo/none.json", "checkpoints/none/none.json"):
        stand.account.s3.put_object(Bucket=BUCKET, Key=key, Body=b"{}")
    stand.caller(ADA, times=2)
    stand.iam(passing=True)
    stand.quotas(**quotas)
    graph = definition(images=stand.settings.images)
    return check_account(stand.account, stand.settings, GROUP, graph, given)


def test_a_furnished_account_is_ok_in_every_row(stand: Stand, given: dict[str, str]) -> None:
    stand.price(1.408)
    rows = whole(stand, given)
    assert [row for row in rows if row.status != "ok"] == []
    assert verdict(rows) == "ok"
    assert len(rows) == 38
    cost = next(row for row in rows if row.name == "hours and cost")
    assert "at $1.408" in cost.detail
    assert "of MaxCostUsd=100" in cost.detail


def test_without_a_price_the_dated_table_counts_as_a_warning(stand: Stand, given: dict[str, str]) -> None:
    stand.price(1.0, 2.0)
    rows = {row.name: row for row in whole(stand, given, L_B6D80D9C=0.0)}
    assert rows["price of ml.g5.xlarge"].status == "warning"
    assert rows["hours and cost"].status == "warning"
    assert "none of today's" in rows["hours and cost"].detail
    assert rows["quota: ml.g5.xlarge for training job usage"].status == "refused"
    assert verdict(list(rows.values())) == "refused"


def test_no_credentials_end_the_check_with_how_to_get_some(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    from tests.unit.preflight.deployed import chosen

    with pytest.raises(BadInput, match="no usable AWS credentials") as raised:
        check_account(connect("us-east-1"), chosen(), GROUP, definition(), {})
    assert "aws sso login" in raised.value.hint
