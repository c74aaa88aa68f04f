"""Images in ECR: there by digest, and what the registry's scan found in them."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.aws.preflight.asking import found
from pipeline.aws.session import Account
from pipeline.lint.images import REMEDY
from pipeline.preflight.check import Check
from pipeline.preflight.images import Image, read_image


def check_stored_images(account: Account, names: list[str]) -> Iterator[Check]:
    """A row for each image that has a digest, and one for all that have none."""
    images = [image for name in names if (image := read_image(name)) and image.digest]
    for image in images:
        yield _stored(account, image)
    rest = len(names) - len(images)
    if rest:
        detail = f"{rest} of {len(names)} images have no digest in ECR, so there is nothing to look for"
        yield Check("images", "unknown", detail, REMEDY)


def _stored(account: Account, image: Image) -> Check:
    name = f"image {image.repository}"
    answer = found(
        f"looking for {image.repository}",
        account.client("ecr", image.region).describe_images,
        registryId=image.account,
        repositoryName=image.repository,
        imageIds=[{"imageDigest": image.digest}],
    )
    short = image.digest[:19]
    if not answer or not answer.get("imageDetails"):
        return Check(name, "refused", f"{short} is not in {image.account}'s {image.region}", "make push-images")
    detail = answer["imageDetails"][0]
    counts = (detail.get("imageScanFindingsSummary") or {}).get("findingSeverityCounts")
    if counts is None:
        return Check(name, "ok", f"{short} is there; no scan says anything of it")
    if critical := counts.get("CRITICAL", 0):
        fix = f"aws ecr describe-image-scan-findings --repository-name {image.repository} --image-id imageDigest={image.digest}"
        return Check(name, "warning", f"{short} is there, with {critical} critical findings of the scan", fix)
    return Check(name, "ok", f"{short} is there, without critical findings")
