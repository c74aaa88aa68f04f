"""Images of a definition: named by digest, and of the region the jobs run in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pipeline.definition import Definition
from pipeline.lint.images import REMEDY
from pipeline.lint.values import resolve
from pipeline.lint.walk import rows
from pipeline.preflight.check import Check
from pipeline.preflight.jobs import Job
from pipeline.settings import Settings

REGISTRY = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/(?P<repository>[^@:]+)"
    r"(?::(?P<tag>[^@]+))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)


@dataclass(frozen=True)
class Image:
    """An image in ECR. `digest` is empty where only a tag, or nothing, names it."""

    name: str
    account: str
    region: str
    repository: str
    digest: str


def read_image(name: str) -> Image | None:
    """The parts of an image's name, None for one that does not lie in ECR."""
    match = REGISTRY.fullmatch(name)
    if match is None:
        return None
    return Image(name, match["account"], match["region"], match["repository"], match["digest"] or "")


def images_of(definition: Definition, jobs: list[Job]) -> list[str]:
    """Every image that a job runs or a registered package names, once, in the definition's order."""
    names = [job.image for job in jobs]
    for step in definition.steps:
        for container in rows(resolve(step.arguments, definition), "InferenceSpecification", "Containers"):
            names.append(str(container.get("Image", "")))
    return list(dict.fromkeys(name for name in names if name))


def check_images(chosen: Settings, definition: Definition, jobs: list[Job]) -> Iterator[Check]:
    """Two rows: digests, and the region, since a job pulls from its own region only."""
    names = images_of(definition, jobs)
    mutable = [name for name in names if "@sha256:" not in name]
    if mutable:
        detail = f"{len(mutable)} of {len(names)} images have no digest, so what runs may change: {_short(mutable)}"
        yield Check("image digests", "refused", detail, REMEDY)
    else:
        yield Check("image digests", "ok", f"{len(names)} images, all named by digest")
    images = [read_image(name) for name in names]
    foreign = [image.name for image in images if image and image.region != chosen.region]
    outside = [name for name, image in zip(names, images, strict=True) if image is None]
    if foreign:
        detail = f"not in {chosen.region}: {_short(foreign)}"
        yield Check("image region", "refused", detail, "push the images to the environment's region")
    elif outside:
        yield Check("image region", "unknown", f"not in ECR, so nobody can say: {', '.join(outside)}")
    else:
        yield Check("image region", "ok", f"all in {chosen.region}")


def _short(names: list[str]) -> str:
    return ", ".join(name.rsplit("/", 1)[-1].split("@")[0] for name in names)
