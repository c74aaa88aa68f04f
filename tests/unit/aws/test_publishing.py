"""A folder published to an account: whole or without a manifest, and never sent twice."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber
from moto import mock_aws

from pipeline.aws import parts
from pipeline.aws.publish import Published, publish_folder, publish_none, refuse_bucket
from pipeline.aws.session import Account
from pipeline.errors import AsusuError, BadInput
from pipeline.settings import Settings
from steps.contract import MANIFEST
from steps.sums import list_files
from tests.unit.preflight.deployed import BUCKET, NUMBER, REGION, chosen

MIB = 1024 * 1024
PREFIX = "base-models/1f"
Asusu = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def clients() -> dict[str, Any]:
    """Made once: making a client reads megabytes of JSON."""
    return {}


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch, clients: dict[str, Any]) -> Iterator[Account]:
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr(parts, "PART", 5 * MIB)  # the least the service takes
    with mock_aws():
        found = Account(REGION, clients=clients)
        found.s3.create_bucket(Bucket=BUCKET)
        yield found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("folder")
    (place / "model").mkdir()
    (place / "model" / "config.json").write_text("{}", encoding="utf-8")
    (place / "model" / "model.safetensors").write_bytes(random.Random(1).randbytes(17 * MIB))
    (place / "tokenizer.json").write_text('{"x": 1}', encoding="utf-8")
    (place / MANIFEST).write_text('{"kind": "base-model"}', encoding="utf-8")
    return place


def publish(account: Account, folder: Path, seen: list[int] | None = None) -> Published:
    progress = (lambda done, total, unit: seen.append(done)) if seen is not None else (lambda done, total, unit: None)
    return publish_folder(account, BUCKET, PREFIX, folder, list_files(folder), progress)


def stored(account: Account) -> dict[str, bytes]:
    rows = account.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return {row["Key"]: account.s3.get_object(Bucket=BUCKET, Key=row["Key"])["Body"].read() for row in rows}


@contextmanager
def counted(account: Account, operation: str, fail_at: int = 0) -> Iterator[list[str]]:
    """The keys of an operation's calls; the `fail_at`th finds no network."""
    calls: list[str] = []

    def note(params: dict[str, Any], **rest: Any) -> None:
        calls.append(params["url_path"].lstrip("/").removeprefix(f"{PREFIX}/"))
        if len(calls) == fail_at:
            raise EndpointConnectionError(endpoint_url="https://example.org")

    events = account.s3.meta.events
    events.register(f"before-call.s3.{operation}", note)
    try:
        yield calls
    finally:
        events.unregister(f"before-call.s3.{operation}", note)


def test_every_byte_arrives_and_the_manifest_comes_last(account: Account, folder: Path) -> None:
    with counted(account, "PutObject") as puts:
        found = publish(account, folder)
    assert puts[-1] == MANIFEST
    local = {f"{PREFIX}/{path.relative_to(folder).as_posix()}": path.read_bytes() for path in folder.rglob("*.*")}
    assert stored(account) == local
    assert (found.files, found.sent_files, found.address) == (3, 3, f"s3://{BUCKET}/{PREFIX}")


def test_what_is_there_is_not_sent_again(account: Account, folder: Path) -> None:
    publish(account, folder)
    with counted(account, "UploadPart") as sent:
        again = publish(account, folder)
    assert (again.files, again.sent_files, again.sent_bytes) == (3, 0, 0)
    assert sent == []


def test_an_object_of_other_bytes_is_sent_again_also_where_its_size_is_right(account: Account, folder: Path) -> None:
    publish(account, folder)
    for metadata in ({}, {"sha256": "0" * 64}):
        account.s3.put_object(Bucket=BUCKET, Key=f"{PREFIX}/tokenizer.json", Body=b'{"x": 2}', Metadata=metadata)
        assert publish(account, folder).sent_files == 1
        assert stored(account)[f"{PREFIX}/tokenizer.json"] == b'{"x": 1}'


def test_an_upload_that_was_cut_leaves_no_manifest_and_goes_on_with_the_next_part(
    account: Account, folder: Path
) -> None:
    with (
        counted(account, "UploadPart", fail_at=4) as first,
        pytest.raises(AsusuError, match=r"cannot be reached while sending base-models/1f/model/model\.safetensors"),
    ):
        publish(account, folder)
    assert len(first) == 4, "the file has four parts, and the last found no network"
    assert f"{PREFIX}/{MANIFEST}" not in stored(account)
    with counted(account, "UploadPart") as second, counted(account, "PutObject") as small:
        found = publish(account, folder)
    assert len(second) == 1, "only the part that was lost is sent again"
    assert small == ["tokenizer.json", MANIFEST], "config.json was there"
    assert found.sent_files == 2
    assert stored(account)[f"{PREFIX}/model/model.safetensors"] == (folder / "model" / "model.safetensors").read_bytes()
    assert "Uploads" not in account.s3.list_multipart_uploads(Bucket=BUCKET)


def test_a_part_of_an_earlier_upload_with_other_bytes_is_sent_again(account: Account, folder: Path) -> None:
    key = f"{PREFIX}/model/model.safetensors"
    upload = account.s3.create_multipart_upload(Bucket=BUCKET, Key=key)["UploadId"]
    account.s3.upload_part(Bucket=BUCKET, Key=key, UploadId=upload, PartNumber=1, Body=b"x" * 5 * MIB)
    with counted(account, "UploadPart") as sent:
        publish(account, folder)
    assert len(sent) == 4
    assert stored(account)[key] == (folder / "model" / "model.safetensors").read_bytes()


def test_progress_rises_to_the_whole_in_parts(account: Account, folder: Path) -> None:
    seen: list[int] = []
    publish(account, folder, seen)
    assert seen == sorted(seen)
    assert seen[-1] == sum(entry.bytes for entry in list_files(folder))
    assert len(set(seen)) >= 5


def test_the_none_objects_are_made_once_and_never_beside_a_champion(account: Account) -> None:
    account.s3.put_object(Bucket=BUCKET, Key="champion/asusu-igbo/champion.json", Body=b"{}")
    assert publish_none(account, BUCKET, "asusu-igbo") == ["checkpoints/none/none.json"]
    assert publish_none(account, BUCKET, "asusu-igbo") == []
    assert json.loads(stored(account)["checkpoints/none/none.json"]) == {"none": True}


def test_a_bucket_that_is_not_there_or_elsewhere_is_refused_before_anything_is_staged(account: Account) -> None:
    def bucket(name: str) -> Settings:
        return chosen(bucket=name)

    with pytest.raises(BadInput, match="there is no bucket asusu-nowhere"):
        refuse_bucket(account, bucket("asusu-nowhere"), NUMBER)
    west = {"LocationConstraint": "eu-west-1"}
    account.client("s3", "eu-west-1").create_bucket(Bucket="asusu-west", CreateBucketConfiguration=west)
    with pytest.raises(BadInput, match="lies in eu-west-1, and the environment is in us-east-1"):
        refuse_bucket(account, bucket("asusu-west"), NUMBER)
    refuse_bucket(account, bucket(BUCKET), NUMBER)


def test_who_may_only_publish_may_not_look_at_the_bucket_and_goes_on(account: Account) -> None:
    with Stubber(account.s3) as stub:
        stub.add_client_error("head_bucket", "403", "Forbidden", http_status_code=403)
        refuse_bucket(account, chosen(), NUMBER)
        stub.assert_no_pending_responses()


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    lines = ["en\tig", *(f"good morning {number}\tụtụtụ ọma {number}" for number in range(20))]
    (tmp_path / "small.tsv").write_text("\n".join(lines), encoding="utf-8")
    return tmp_path / "small.tsv"


def test_the_command_prints_what_to_start_with(
    account: Account, corpus: Path, base_model: Path, tmp_path: Path, asusu: Asusu
) -> None:
    asked = ["publish", "--corpus", str(corpus), "--base-model", str(base_model), "--workdir", str(tmp_path / "work")]
    code, out, _ = asusu(*asked)
    assert code == 0
    addresses = dict(line.split("=", 1) for line in out.splitlines() if line.startswith(("CorpusUri", "BaseModelUri")))
    assert addresses["CorpusUri"].startswith(f"s3://{BUCKET}/corpora/")
    for address in addresses.values():
        assert f"{address.removeprefix(f's3://{BUCKET}/')}/{MANIFEST}" in stored(account)
    assert f"--param CorpusUri={addresses['CorpusUri']}" in out
    code, out, _ = asusu(*asked, "--json")
    found = json.loads(out)
    assert found["parameters"] == addresses
    assert {row["sent_files"] for row in found["published"].values()} == {0}
    assert found["none"] == []


def test_nothing_to_publish_is_said(asusu: Asusu) -> None:
    code, _, err = asusu("publish")
    assert code == 2
    assert "nothing to publish" in err


def test_a_damaged_staged_folder_is_refused_and_nothing_is_sent(
    account: Account, base_model: Path, tmp_path: Path, asusu: Asusu
) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(base_model, copy)
    (copy / "model" / "config.json").write_text("{}", encoding="utf-8")
    code, _, err = asusu("publish", "--base-model", str(copy), "--workdir", str(tmp_path / "work"))
    assert code == 2
    assert "not a whole staged base model" in err
    assert stored(account) == {}
