"""The verbs of the registry against an account: the same output, and nobody approves a run of their own unasked."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from pipeline.errors import AsusuError, BadInput
from pipeline.packages import champion_of
from tests.unit.aws.conftest import BUCKET, CALLER, NUMBER, SOMEBODY, Office

Asusu = Callable[..., tuple[int, str, str]]


def key_of(office: Office, name: str) -> str:
    address = office.package(name)["InferenceSpecification"]["Containers"][0]["ModelDataUrl"]
    return str(address).removeprefix(f"s3://{BUCKET}/")


def test_versions_are_listed_as_the_local_registry_lists_them(office: Office, asusu: Asusu) -> None:
    for value in (1.0, 2.0):
        office.register(value)
    office.register(3.0, group="asusu-en-sw")
    office.account.sagemaker.create_model_package_group(ModelPackageGroupName="somebody-elses")
    code, out, _ = asusu("packages", "--json")
    rows = json.loads(out)
    assert code == 0
    names = [(row["ModelPackageGroupName"], row["ModelPackageVersion"]) for row in rows]
    assert names == [("asusu-en-sw", 1), ("asusu-igbo", 1), ("asusu-igbo", 2)]
    assert {row["ModelApprovalStatus"] for row in rows} == {"PendingManualApproval"}
    assert rows[0]["CreationTime"].endswith("+00:00")
    assert "asusu-igbo/2" in asusu("packages")[1]


def test_version_ten_comes_after_version_nine(office: Office) -> None:
    for value in range(12):
        office.register(float(value))
    found = [package["ModelPackageVersion"] for package in office.packages.packages()]
    assert found == list(range(1, 13))


def test_an_empty_registry_says_so(office: Office, asusu: Asusu) -> None:
    assert asusu("packages")[:2] == (0, "nothing is registered in production\n")


def test_an_approval_records_status_reason_and_who_and_says_that_the_champion_follows(
    office: Office, asusu: Asusu
) -> None:
    name = office.register(1.0)
    code, out, err = asusu("approve", "1", "--reason", "dots are kept:\nọ stays ọ")
    assert code == 0, err
    assert out.startswith("asusu-igbo/1 is approved: dots are kept")
    assert f"by: {CALLER}" in out
    assert "the champion's folder follows" in out
    package = office.package(name)
    assert package["ModelApprovalStatus"] == "Approved"
    assert package["ApprovalDescription"] == f"dots are kept: ọ stays ọ (by {CALLER})"


def test_a_rejection_records_its_reason(office: Office, asusu: Asusu) -> None:
    name = office.register(1.0)
    code, said, _ = asusu("reject", "1", "--reason", "it invents names")
    assert code == 0
    assert "champion" not in said  # which it never was
    package = office.package(name)
    assert (package["ModelApprovalStatus"], package["ApprovalDescription"].split(" (by")[0]) == (
        "Rejected",
        "it invents names",
    )


def test_the_champions_folder_follows_where_the_champion_is_rejected_and_not_where_another_is(office: Office) -> None:
    first, second = office.register(1.0), office.register(2.0)
    for name in (first, second):
        package = office.package(name)
        office.packages.decide(package, "Approved", "good", own=False)
        office.restore_metadata(package)
    for name, follows in ((first, False), (second, True)):
        notes = office.packages.decide(office.package(name), "Rejected", "no longer", own=False)
        assert ("the champion's folder follows" in " ".join(notes)) is follows


def test_approving_an_older_version_again_makes_it_champion(office: Office) -> None:
    first, second = office.register(1.0), office.register(2.0)
    for name in (first, second, first):
        package = office.package(name)
        office.packages.decide(package, "Approved", "good", own=False)
        office.restore_metadata(package)
    champion = champion_of(office.packages.packages())
    assert champion is not None
    assert champion["ModelPackageVersion"] == 1


@pytest.mark.parametrize("reason", ["", "   ", "...", "x" * 1024])
def test_a_decision_without_a_reason_or_with_too_long_a_one_changes_nothing(
    office: Office, asusu: Asusu, reason: str
) -> None:
    name = office.register(1.0)
    code, _, err = asusu("approve", "1", "--reason", reason)
    assert (code, "reason" in err) == (2, True)
    assert office.package(name)["ModelApprovalStatus"] == "PendingManualApproval"


@pytest.mark.parametrize(
    "creator",
    [
        {"Arn": CALLER, "PrincipalId": "AKIAIOSFODNN7EXAMPLE"},
        {"Arn": "arn:aws:sts::123456789012:assumed-role/operator/moto", "PrincipalId": "AROAOPERATOR:moto"},
        {"Arn": "arn:aws:sts::123456789012:assumed-role/x/session", "SourceIdentity": "moto"},
    ],
    ids=["the same identity", "another role, the same person", "the same source identity"],
)
def test_nobody_approves_a_run_of_their_own_unless_told_to(
    office: Office, asusu: Asusu, creator: dict[str, str]
) -> None:
    name = office.register(1.0, creator)
    code, _, err = asusu("approve", "1", "--reason", "mine is good")
    assert code == 2
    assert "you started the run of asusu-igbo/1 yourself" in err
    assert "--own" in err
    assert office.package(name)["ModelApprovalStatus"] == "PendingManualApproval"
    assert asusu("approve", "1", "--reason", "told to by Ada", "--own")[0] == 0
    assert office.package(name)["ModelApprovalStatus"] == "Approved"


def test_a_run_of_ones_own_may_be_rejected(office: Office, asusu: Asusu) -> None:
    office.register(1.0, {"Arn": CALLER, "PrincipalId": "x"})
    assert asusu("reject", "1", "--reason", "I saw it fail")[0] == 0


def test_where_nobody_can_tell_who_started_the_run_it_is_not_approved_unasked(office: Office) -> None:
    silent = office.package(office.register(1.0, None))
    with pytest.raises(BadInput, match="does not say who started"):
        office.packages.decide(silent, "Approved", "good", own=False)
    bare = office.package(office.register(2.0))
    del bare["CustomerMetadataProperties"]["execution_arn"]
    with pytest.raises(BadInput, match="does not say which run made it"):
        office.packages.decide(bare, "Approved", "good", own=False)


def test_an_entry_that_was_given_another_run_is_not_approved(office: Office) -> None:
    package = office.package(office.register(1.0, {"Arn": CALLER, "PrincipalId": "x"}))
    package["CustomerMetadataProperties"]["execution_arn"] = office.start(SOMEBODY)
    with pytest.raises(BadInput, match="its artefact is of another"):
        office.packages.decide(package, "Approved", "good", own=False)


def test_weights_that_were_changed_after_the_evaluation_are_not_approved(office: Office, asusu: Asusu) -> None:
    name, other = office.register(1.0), office.register(2.0)
    office.account.s3.copy({"Bucket": BUCKET, "Key": key_of(office, other)}, BUCKET, key_of(office, name))
    code, _, err = asusu("approve", "1", "--reason", "looks good")
    assert (code, "of asusu-igbo/1 is not the one that was evaluated" in err) == (1, True)
    assert office.package(name)["ModelApprovalStatus"] == "PendingManualApproval"


def test_a_report_that_was_changed_after_the_registration_is_not_approved(office: Office, asusu: Asusu) -> None:
    name = office.register(1.0)
    address = office.package(name)["ModelMetrics"]["ModelQuality"]["Statistics"]["S3Uri"]
    office.account.s3.put_object(Bucket=BUCKET, Key=address.removeprefix(f"s3://{BUCKET}/"), Body=b'{"chrf": 99}')
    code, _, err = asusu("approve", "1", "--reason", "looks good")
    assert (code, "evaluation report of asusu-igbo/1 was changed" in err) == (1, True)
    office.account.s3.delete_object(Bucket=BUCKET, Key=address.removeprefix(f"s3://{BUCKET}/"))
    assert "evaluation report of asusu-igbo/1 is gone" in asusu("approve", "1", "--reason", "looks good")[2]


def test_an_entry_that_was_edited_is_not_approved(office: Office) -> None:
    package = office.package(office.register(1.0))
    package["CustomerMetadataProperties"]["chrf_forward"] = "99.99"
    with pytest.raises(AsusuError, match=r"says chrf_forward '99\.99', and its evaluation report says .*'61\.20'"):
        office.packages.decide(package, "Approved", "good", own=False)
    package = office.package("asusu-igbo/1")
    del package["ModelMetrics"]["ModelDataQuality"]
    with pytest.raises(AsusuError, match="states no sum of its data report"):
        office.packages.decide(package, "Approved", "good", own=False)
    package = office.package("asusu-igbo/1")
    del package["CustomerMetadataProperties"]["adapter_config"]
    with pytest.raises(AsusuError, match=r"states no sum of adapter_config\.json: an older release made it"):
        office.packages.decide(package, "Approved", "good", own=False)
    assert office.package("asusu-igbo/1")["ModelApprovalStatus"] == "PendingManualApproval"


def test_a_model_that_is_gone_or_holds_a_pickle_is_not_approved(office: Office, tmp_path: Any) -> None:
    from pipeline.local.archive import write_archive

    package = office.package(office.register(1.0))
    key = key_of(office, "asusu-igbo/1")
    office.account.s3.delete_object(Bucket=BUCKET, Key=key)
    with pytest.raises(AsusuError, match="the model of asusu-igbo/1 is gone"):
        office.packages.decide(package, "Approved", "good", own=False)
    (tmp_path / "evil").mkdir()
    (tmp_path / "evil" / "adapter_model.bin").write_bytes(b"\x80\x04.")
    write_archive(tmp_path / "evil", tmp_path / "evil.tar.gz")
    office.account.s3.upload_file(str(tmp_path / "evil.tar.gz"), BUCKET, key)
    with pytest.raises(AsusuError, match=r"cannot be read: .*adapter_model\.bin"):
        office.packages.decide(package, "Approved", "good", own=False)


@pytest.mark.parametrize("version", ["7", "asusu-igbo/7", "latest", ""])
def test_an_unknown_version_is_named(office: Office, asusu: Asusu, version: str) -> None:
    office.register(1.0)
    code, _, err = asusu("approve", version, "--reason", "good")
    assert (code, f"packages --env production --account {NUMBER} lists them" in err) == (2, True)


def test_credentials_of_another_account_decide_nothing(office: Office, asusu: Asusu) -> None:
    name = office.register(1.0)
    code, _, err = asusu("approve", "1", "--reason", "good", account="999999999999")
    assert code == 2
    assert "these credentials are of account 123456789012, and the environment is of account 999999999999" in err
    assert office.package(name)["ModelApprovalStatus"] == "PendingManualApproval"
