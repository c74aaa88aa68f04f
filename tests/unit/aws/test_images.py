"""Images in an account's registry: what a tag stands for, in moto's ECR."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from pipeline.aws.images import DOCKER_MANIFEST, digest_of, exists, login
from pipeline.errors import AsusuError
from tests.infra.policies import Policies
from tests.infra.templates import read, resolve
from tests.unit.aws.conftest import NUMBER, REGION

REPOSITORY = f"{NUMBER}.dkr.ecr.{REGION}.amazonaws.com/asusu-train"
OCI = "application/vnd.oci.image.manifest.v1+json"


def put(client: Any, tag: str, media_type: str = DOCKER_MANIFEST) -> str:
    """An image whose manifest says nothing but its own name; its digest."""
    config = {"digest": "sha256:" + hashlib.sha256(tag.encode()).hexdigest(), "size": 1, "mediaType": "config"}
    manifest = json.dumps({"schemaVersion": 2, "mediaType": media_type, "config": config, "layers": []})
    digest = "sha256:" + hashlib.sha256(manifest.encode()).hexdigest()  # moto would sum the layers, and there are none
    client.put_image(
        repositoryName="asusu-train",
        imageManifest=manifest,
        imageManifestMediaType=media_type,
        imageTag=tag,
        imageDigest=digest,
    )
    return digest


@pytest.fixture
def ecr(office: Any) -> Any:
    client = office.account.client("ecr")
    client.create_repository(repositoryName="asusu-train", imageTagMutability="IMMUTABLE")
    return client


def test_a_tag_stands_for_the_digest_that_was_pushed_under_it(office, ecr):
    first, second = put(ecr, "inputs-1"), put(ecr, "inputs-2")
    assert first != second
    assert digest_of(office.account, REPOSITORY, "inputs-1") == first
    assert digest_of(office.account, REPOSITORY, "inputs-2") == second


def test_a_tag_that_nobody_pushed_has_no_digest(office, ecr):
    assert digest_of(office.account, REPOSITORY, "inputs-1") is None


def test_a_missing_repository_is_named_with_what_makes_it(office):
    with pytest.raises(AsusuError, match=f"account {NUMBER} has no repository asusu-train") as refused:
        digest_of(office.account, REPOSITORY, "inputs-1")
    assert refused.value.hint == "make infra"


def test_a_manifest_that_sagemaker_does_not_take_everywhere_is_refused(office, ecr):
    put(ecr, "inputs-1", OCI)
    with pytest.raises(AsusuError, match="oci.image.manifest") as refused:
        digest_of(office.account, REPOSITORY, "inputs-1")
    hint = refused.value.hint
    assert "whoever pushes may not delete" in hint
    assert f"batch-delete-image --region {REGION} --repository-name asusu-train --image-ids imageTag=inputs-1" in hint


def test_whoever_pushes_may_indeed_not_delete_an_image():
    policies = Policies(resolve(read()))
    arn = f"arn:aws:ecr:{REGION}:{NUMBER}:repository/asusu-train"
    assert policies.allows("asusu-deploy", "ecr:PutImage", arn)
    assert not policies.allows("asusu-deploy", "ecr:BatchDeleteImage", arn)


def test_an_image_exists_by_its_digest_and_by_no_other(office, ecr):
    digest = put(ecr, "inputs-1")
    assert exists(office.account, f"{REPOSITORY}@{digest}")
    assert not exists(office.account, f"{REPOSITORY}@sha256:{'0' * 64}")


def test_a_registry_elsewhere_is_refused(office):
    with pytest.raises(AsusuError, match=r"docker\.io/asusu-train is not a repository of ECR"):
        digest_of(office.account, "docker.io/asusu-train", "v1")


def test_a_login_names_its_registry_and_shows_its_password_to_nobody(office):
    granted = login(office.account)
    assert granted.registry.startswith(NUMBER)
    assert granted.user == "AWS"
    assert granted.password
    assert granted.password not in repr(granted)
    assert granted.password not in f"{granted}"
