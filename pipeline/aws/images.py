"""Images in an account's registry: what a tag stands for, and a password for pushing that lasts twelve hours."""

from __future__ import annotations

import base64
from dataclasses import dataclass

from pipeline.aws.session import Account, Missing, explained
from pipeline.errors import AsusuError
from pipeline.preflight.images import Image, read_image

DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"


@dataclass(frozen=True)
class Login:
    """What an engine needs to push. The password is shown to nobody: repr leaves it out."""

    registry: str
    user: str
    password: str

    def __repr__(self) -> str:
        return f"Login({self.registry})"


def digest_of(account: Account, repository: str, tag: str) -> str | None:
    """The digest that a tag stands for, None where the repository has no such tag.

    `repository` is the address without a tag. Raises AsusuError where the repository is missing, and for an image whose
    manifest is not Docker's: SageMaker refuses OCI manifests when a model is made of one.
    """
    place = _in_ecr(repository)
    name = place.repository
    client = account.client("ecr", place.region)
    with explained(f"looking for {name}:{tag}"):
        try:
            answer = client.describe_images(registryId=place.account, repositoryName=name, imageIds=[{"imageTag": tag}])
        except client.exceptions.ImageNotFoundException:
            return None
        except client.exceptions.RepositoryNotFoundException as error:
            raise Missing(f"account {place.account} has no repository {name}", hint="make infra") from error
    detail = answer["imageDetails"][0]
    kind = detail.get("imageManifestMediaType", DOCKER_MANIFEST)
    if kind != DOCKER_MANIFEST:
        raise AsusuError(
            f"{name}:{tag} has a manifest of type {kind}, which SageMaker does not take everywhere",
            hint="its tag cannot be moved, and whoever pushes may not delete: have an administrator run `aws ecr"
            f" batch-delete-image --region {place.region} --repository-name {name} --image-ids imageTag={tag}`, then push"
            " again with podman, or with docker whose store is not containerd's",
        )
    digest: str = detail["imageDigest"]
    return digest


def exists(account: Account, reference: str) -> bool:
    """Whether `repository@digest` is in its registry. Raises AsusuError where the repository itself is missing."""
    place = _in_ecr(reference)
    client = account.client("ecr", place.region)
    with explained(f"looking for {place.repository}"):
        try:
            client.describe_images(
                registryId=place.account, repositoryName=place.repository, imageIds=[{"imageDigest": place.digest}]
            )
        except client.exceptions.ImageNotFoundException:
            return False
    return True


def login(account: Account) -> Login:
    """A login to the account's registry."""
    with explained("asking the registry for a login"):
        granted = account.client("ecr").get_authorization_token()["authorizationData"][0]
    user, _, password = base64.b64decode(granted["authorizationToken"]).decode().partition(":")
    return Login(granted["proxyEndpoint"].removeprefix("https://"), user, password)


def _in_ecr(reference: str) -> Image:
    place = read_image(reference)
    if place is None:
        raise AsusuError(f"{reference} is not a repository of ECR", hint="correct `images` in the environment's file")
    return place
