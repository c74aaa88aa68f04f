"""The function that publishes the approved model, against the registry and bucket of an account in memory."""

from __future__ import annotations

import io
import json
import tarfile
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError
from champion import bundle
from champion.bundle import Refused, champion_of, take_adapter
from champion.handler import handle
from champion.publish import Office, agree
from moto.sagemaker.models import sagemaker_backends

from pipeline import packages as ours
from pipeline.aws.packages import AwsPackages
from pipeline.aws.session import connect
from pipeline.errors import AsusuError
from pipeline.evidence import BUNDLED, evaluated_adapter
from pipeline.local.archive import write_archive
from pipeline.local.champion import publish_champion
from pipeline.local.store import Store
from steps import contract
from steps.evaluate import unpack as steps_unpack
from steps.evaluate.champion import find_champion
from steps.sums import sha256_file
from tests.infra.templates import ACCOUNT, BUCKET, HERE, REGION

GROUP = "asusu-igbo"
EVENT = {"detail-type": "SageMaker Model Package State Change", "detail": {"ModelPackageGroupName": GROUP}}


class Registry:
    """Versions of one group, made and decided as people do."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.s3, self.sagemaker = client("s3"), client("sagemaker")
        self.s3.create_bucket(Bucket=BUCKET)
        self.sagemaker.create_model_package_group(ModelPackageGroupName=GROUP)
        self.office = Office(self.sagemaker, self.s3, BUCKET)
        self.clock = datetime(2026, 1, 1, tzinfo=UTC)

    def register(self, text: str, **members: bytes) -> str:
        """A version whose weights are this text; returns its ARN. `members` are put into the archive, too."""
        model = self.folder / text / "model"
        (model / "adapter").mkdir(parents=True)
        (model / contract.ADAPTER_FOLDER / contract.ADAPTER_WEIGHTS).write_text(text)
        (model / contract.ADAPTER_FOLDER / contract.ADAPTER_CONFIG).write_text('{"base_model_name_or_path": "tiny"}')
        (model / contract.TRAINING_REPORT).write_text("{}")
        for name, content in members.items():
            (model / name.replace("__", ".")).write_bytes(content)
        write_archive(model, self.folder / f"{text}.tar.gz")
        key = f"training/{text}/job/output/model.tar.gz"
        self.s3.upload_file(str(self.folder / f"{text}.tar.gz"), BUCKET, key)
        bundle_sum = sha256_file(self.folder / f"{text}.tar.gz")
        made = self.sagemaker.create_model_package(
            ModelPackageGroupName=GROUP,
            ModelApprovalStatus="PendingManualApproval",
            InferenceSpecification={
                "Containers": [{"Image": "image", "ModelDataUrl": f"s3://{BUCKET}/{key}"}],
                "SupportedContentTypes": ["application/json"],
                "SupportedResponseMIMETypes": ["application/json"],
            },
            CustomerMetadataProperties={
                "adapter": sha256_file(model / "adapter" / contract.ADAPTER_WEIGHTS),
                "adapter_config": sha256_file(model / "adapter" / contract.ADAPTER_CONFIG),
                "base_model": f"tiny 1 sha256:{'b' * 64}",
                "bundle": f"sha256:{bundle_sum}",
            },
        )
        return str(made["ModelPackageArn"])

    def decide(self, arn: str, verdict: str) -> None:
        """Approve, reject or withdraw, a minute after the last decision."""
        kept = self.version(arn).customer_metadata_properties
        self.sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus=verdict)
        self.version(arn).customer_metadata_properties = kept  # the service keeps them, moto drops them
        self.clock += timedelta(minutes=1)
        self.version(arn).last_modified_time = self.clock

    def version(self, arn: str) -> Any:
        """moto's own record of a version."""
        backend = sagemaker_backends[ACCOUNT][REGION]
        return backend.model_packages[backend.model_package_name_mapping.get(arn, arn)]

    def publish(self) -> str | None:
        """What the function does, with these clients."""
        return agree(self.office, GROUP)

    def published(self) -> dict[str, bytes]:
        """What lies in the champion's folder."""
        rows = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=f"champion/{GROUP}/").get("Contents", [])
        return {
            row["Key"].removeprefix(f"champion/{GROUP}/"): self.s3.get_object(Bucket=BUCKET, Key=row["Key"])[
                "Body"
            ].read()
            for row in rows
        }

    def on_a_laptop(self, folder: Path) -> dict[str, bytes]:
        """What `asusu approve` on a laptop publishes for the same versions."""
        store = Store(folder)
        for row in self.s3.list_objects_v2(Bucket=BUCKET, Prefix="training/")["Contents"]:
            target = store.path(f"s3://{BUCKET}/{row['Key']}")
            target.parent.mkdir(parents=True, exist_ok=True)
            self.s3.download_file(BUCKET, row["Key"], str(target))
        found = AwsPackages(connect(REGION)).packages()

        class Described:
            def packages(self, _group: str) -> list[ours.Package]:
                return found

        publish_champion(Described(), GROUP, store, BUCKET)  # type: ignore[arg-type]
        place = store.path(f"s3://{BUCKET}/champion/{GROUP}")
        return {file.relative_to(place).as_posix(): file.read_bytes() for file in place.rglob("*") if file.is_file()}


@cache
def client(service: str) -> Any:
    """A client for all tests: making one takes longer than most of them."""
    return boto3.client(service, region_name=REGION, aws_access_key_id="x", aws_secret_access_key="x")


@pytest.fixture
def registry(account: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    monkeypatch.setenv("BUCKET", BUCKET)
    return Registry(tmp_path)


@pytest.fixture
def reader(account: None, monkeypatch: pytest.MonkeyPatch) -> str:
    """A queue that hears the notices; its address."""
    topic = client("sns").create_topic(Name="asusu-notices")["TopicArn"]
    queue = client("sqs").create_queue(QueueName="reader")["QueueUrl"]
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=f"arn:aws:sqs:{HERE}:reader")
    monkeypatch.setenv("TOPIC", topic)
    return str(queue)


def test_an_approved_version_is_published_as_on_a_laptop(registry: Registry, tmp_path: Path) -> None:
    registry.decide(registry.register("one"), "Approved")
    assert handle(EVENT, None) == {"group": GROUP, "outcome": "published", "champion": "asusu-igbo/1"}
    assert registry.published() == registry.on_a_laptop(tmp_path / "laptop")
    assert set(registry.published()) == {
        "adapter/adapter_model.safetensors",
        "adapter/adapter_config.json",
        "champion.json",
    }


def test_no_approved_version_is_published_as_on_a_laptop(registry: Registry, tmp_path: Path) -> None:
    registry.register("one")
    assert registry.publish() is None
    assert registry.published() == registry.on_a_laptop(tmp_path / "laptop") == {"none.json": b'{\n  "none": true\n}\n'}


def test_evaluation_reads_what_was_published(registry: Registry, tmp_path: Path) -> None:
    registry.decide(registry.register("one"), "Approved")
    registry.publish()
    for name, content in registry.published().items():
        (tmp_path / "mounted" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "mounted" / name).write_bytes(content)
    found = find_champion(tmp_path / "mounted")
    assert found and found.name == "asusu-igbo/1"


def test_the_one_approved_last_is_champion_also_where_it_is_older(registry: Registry) -> None:
    first, second = registry.register("one"), registry.register("two")
    for arn, weights in ((first, b"one"), (second, b"two"), (first, b"one")):
        registry.decide(arn, "Approved")
        registry.publish()
        assert registry.published()["adapter/adapter_model.safetensors"] == weights


def test_a_withdrawn_approval_brings_back_the_one_before_and_then_none(registry: Registry) -> None:
    first, second = registry.register("one"), registry.register("two")
    registry.decide(first, "Approved")
    registry.decide(second, "Approved")
    assert registry.publish() == "asusu-igbo/2"
    registry.decide(second, "PendingManualApproval")
    assert registry.publish() == "asusu-igbo/1"
    registry.decide(first, "Rejected")
    registry.publish()
    assert set(registry.published()) == {"none.json"}


def test_an_event_that_comes_twice_writes_nothing(registry: Registry) -> None:
    registry.decide(registry.register("one"), "Approved")
    registry.publish()
    before = registry.s3.head_object(Bucket=BUCKET, Key=f"champion/{GROUP}/champion.json")["ETag"]
    registry.s3.delete_object(Bucket=BUCKET, Key="training/one/job/output/model.tar.gz")  # it would be missed
    assert registry.publish() == "asusu-igbo/1"
    assert registry.s3.head_object(Bucket=BUCKET, Key=f"champion/{GROUP}/champion.json")["ETag"] == before


def test_an_old_event_that_comes_late_changes_nothing(registry: Registry) -> None:
    first, second = registry.register("one"), registry.register("two")
    registry.decide(first, "Approved")
    registry.decide(second, "Approved")
    registry.publish()
    late = {"detail": {**EVENT["detail"], "ModelPackageArn": first, "ModelApprovalStatus": "Approved"}}  # type: ignore[dict-item]
    assert handle(late, None)["champion"] == "asusu-igbo/2"
    assert registry.published()["adapter/adapter_model.safetensors"] == b"two"


@pytest.mark.parametrize("left", ["adapter/adapter_model.safetensors", "adapter/adapter_config.json", "champion.json"])
def test_a_folder_that_was_cut_short_is_made_whole(registry: Registry, left: str) -> None:
    registry.decide(registry.register("one"), "Approved")
    registry.publish()
    whole = registry.published()
    registry.s3.put_object(Bucket=BUCKET, Key=f"champion/{GROUP}/{left}", Body=b"of another champion")
    registry.publish()
    assert registry.published() == whole
    registry.s3.delete_object(Bucket=BUCKET, Key=f"champion/{GROUP}/{left}")
    registry.publish()
    assert registry.published() == whole


def test_a_decision_in_the_middle_of_publishing_is_seen(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = registry.register("one"), registry.register("two")
    registry.decide(first, "Approved")
    put = registry.s3.put_object

    def decide_meanwhile(**given: Any) -> Any:
        monkeypatch.setattr(registry.s3, "put_object", put)
        registry.decide(second, "Approved")
        return put(**given)

    monkeypatch.setattr(registry.s3, "put_object", decide_meanwhile)
    assert registry.publish() == "asusu-igbo/2"
    assert registry.published()["adapter/adapter_model.safetensors"] == b"two"


def test_changed_weights_are_not_published_and_somebody_is_told(registry: Registry, reader: str) -> None:
    registry.decide(registry.register("one"), "Approved")
    registry.publish()
    whole = registry.published()
    second = registry.register("two")
    registry.s3.upload_file(
        str(registry.folder / "one.tar.gz"), BUCKET, "training/two/job/output/model.tar.gz"
    )  # somebody else's weights
    registry.decide(second, "Approved")
    assert handle(EVENT, None)["outcome"] == "refused"
    assert registry.published() == whole
    (message,) = client("sqs").receive_message(QueueUrl=reader, MaxNumberOfMessages=10)["Messages"]
    said = json.loads(message["Body"])
    assert said["Subject"] == "asusu-igbo: not published"
    assert "adapter_model.safetensors of asusu-igbo/2 is not the one that was evaluated" in said["Message"]
    assert "Reject that version, or approve another one" in said["Message"]


def test_a_model_that_is_gone_or_holds_a_pickle_is_refused(registry: Registry) -> None:
    arn = registry.register("one")
    registry.s3.delete_object(Bucket=BUCKET, Key="training/one/job/output/model.tar.gz")
    registry.decide(arn, "Approved")
    with pytest.raises(Refused, match="asusu-igbo/1 cannot be read at s3://.*: it is gone"):
        registry.publish()
    registry.decide(registry.register("two", optimizer__pt=b"\x80\x04"), "Approved")
    with pytest.raises(Refused, match=r"'optimizer\.pt'"):
        registry.publish()
    assert registry.published() == {}


@pytest.mark.parametrize(("code", "told"), [("AccessDenied", True), ("SlowDown", False)])
def test_what_s3_says_of_a_missing_object_to_a_role_that_may_not_list_is_told_and_not_tried_again(
    registry: Registry, code: str, told: bool
) -> None:
    """The function's role lists below champion/ alone, and then the service hides whether an object exists."""
    registry.decide(registry.register("one"), "Approved")
    error = f"<Error><Code>{code}</Code><Message>m</Message></Error>".encode()
    answer = AWSResponse("https://s3", 403 if told else 503, {}, io.BytesIO(error))
    answer._content = error

    def refuse(**_: Any) -> AWSResponse:
        return answer

    s3 = boto3.client("s3", region_name=REGION, config=Config(retries={"total_max_attempts": 1}))
    s3.meta.events.register_first("before-send.s3.GetObject", refuse)
    office = Office(registry.sagemaker, s3, BUCKET)
    with pytest.raises(Refused if told else ClientError, match="asusu-igbo/1 cannot be read" if told else code):
        agree(office, GROUP)


@pytest.mark.parametrize("key", ["adapter", "adapter_config", "base_model", "bundle"])
def test_a_version_whose_entry_states_no_sum_is_not_published(registry: Registry, tmp_path: Path, key: str) -> None:
    arn = registry.register("one")
    del registry.version(arn).customer_metadata_properties[key]
    registry.decide(arn, "Approved")
    with pytest.raises(
        Refused, match="the entry of asusu-igbo/1 states no sum of .*: an older release made it"
    ) as here:
        registry.publish()
    with pytest.raises(AsusuError, match="states no sum of") as there:
        registry.on_a_laptop(tmp_path / "laptop")
    assert there.value.message in str(here.value)
    assert registry.published() == {}


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("adapter/adapter_config.json", r"adapter_config\.json of asusu-igbo/1 is not the one that was evaluated"),
        ("model-card.json", "the bundle of asusu-igbo/1 was changed after it was registered"),
    ],
)
def test_a_model_that_was_packed_again_is_not_published(registry: Registry, file: str, said: str) -> None:
    arn = registry.register("one")
    (registry.folder / "one" / "model" / file).write_text('{"lora_alpha": 64}')
    write_archive(registry.folder / "one" / "model", registry.folder / "other.tar.gz")
    registry.s3.upload_file(str(registry.folder / "other.tar.gz"), BUCKET, "training/one/job/output/model.tar.gz")
    registry.decide(arn, "Approved")
    with pytest.raises(Refused, match=said):
        registry.publish()


def test_another_teams_group_is_left_alone(registry: Registry) -> None:
    assert handle({"detail": {"ModelPackageGroupName": "churn"}}, None)["outcome"] == "not ours"


def archive(folder: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    path = folder / "model.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for info, content in members:
            info.size = info.size or len(content)
            tar.addfile(info, io.BytesIO(content.ljust(min(info.size, 1024))))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


NASTY = {
    "a pickle": [(member("adapter/adapter_model.bin"), b"x")],
    "code": [(member("adapter/run.py"), b"x")],
    "a path that leads out": [(member("../../adapter_config.json"), b"x")],
    "a link": [(member("adapter/adapter_config.json", tarfile.SYMTYPE, "/etc/passwd"), b"")],
    "a hard link": [(member("adapter/adapter_config.json", tarfile.LNKTYPE, "/etc/passwd"), b"")],
    "a device": [(member("adapter/x.json", tarfile.CHRTYPE), b"")],
    "too many files": [(member(f"adapter/{number}.json"), b"x") for number in range(65)],
}


@pytest.mark.parametrize("what", NASTY)
def test_an_archive_that_evaluation_refuses_is_refused_here(tmp_path: Path, what: str) -> None:
    path = archive(tmp_path, *NASTY[what])
    package = {"ModelPackageGroupName": GROUP, "ModelPackageVersion": 1}
    with pytest.raises(AsusuError):
        evaluated_adapter(package, path, tmp_path / "ours")
    with pytest.raises(Refused):
        take_adapter(package, path, tmp_path)
    assert [file.name for file in tmp_path.rglob("adapter_*")] == []


def test_an_archive_that_claims_too_much_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    info = member("adapter/adapter_model.safetensors")
    info.size = bundle.MAX_BYTES + 1
    with pytest.raises(Refused, match="more than 4 GiB"):
        bundle.refuse_unfit(info, 1, info.size)


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.tar.gz"
    for content in (b"", b"not an archive", b"\x1f\x8b\x08\x00\x00"):
        path.write_bytes(content)
        with pytest.raises(Refused, match="cannot be read|lacks"):
            take_adapter({"ModelPackageGroupName": GROUP, "ModelPackageVersion": 1}, path, tmp_path)


def test_the_rules_are_those_of_the_steps() -> None:
    assert bundle.ALLOWED_SUFFIXES == steps_unpack.ALLOWED_SUFFIXES
    assert (bundle.MAX_MEMBERS, bundle.MAX_BYTES) == (steps_unpack.MAX_MEMBERS, steps_unpack.MAX_BYTES)
    folder = contract.ADAPTER_FOLDER
    assert {bundle.WEIGHTS, bundle.CONFIG} == {f"{folder}/{name}" for name in BUNDLED}
    assert {f"{folder}/{name}": key for name, key in BUNDLED.items()} == bundle.SUMS
    assert (bundle.MANIFEST, bundle.NONE_OBJECT) == (contract.CHAMPION, contract.NONE_OBJECT)


def test_the_champion_is_chosen_as_everywhere() -> None:
    versions = [
        {
            "ModelPackageVersion": number,
            "ModelApprovalStatus": status,
            "LastModifiedTime": f"2026-01-0{day}T00:00:00+00:00",
        }
        for number, status, day in ((1, "Approved", 3), (2, "Rejected", 9), (3, "Approved", 5), (4, "Approved", 5))
    ]
    for end in range(5):
        assert champion_of(list(versions[:end])) == ours.champion_of(versions[:end])
