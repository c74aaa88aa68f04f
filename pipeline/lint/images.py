"""Images that stay the same: what was planned, checked and approved is what runs, also in the seventh month.

The service's step cache compares the image's name. With a mutable name it answers with what older code made.
"""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.definition import Definition
from pipeline.images import mutable
from pipeline.lint.finding import Finding
from pipeline.lint.values import resolve
from pipeline.lint.walk import dig, rows

REMEDY = (
    "make push-images, which writes the digests that compiling reads; where containers/bases.json has a base without a"
    " digest, fill that in first (docs/containers.md)"
)


def check_images(definition: Definition) -> Iterator[Finding]:
    """Every image by digest, of jobs and of registered packages. Names below `local/` are of this machine's own run."""
    for step in definition.steps:
        where = f"Steps.{step.name}.Arguments"
        named = [
            (f"{where}.AppSpecification.ImageUri", dig(step.arguments, "AppSpecification", "ImageUri")),
            (
                f"{where}.AlgorithmSpecification.TrainingImage",
                dig(step.arguments, "AlgorithmSpecification", "TrainingImage"),
            ),
        ]
        for number, container in enumerate(rows(step.arguments, "InferenceSpecification", "Containers")):
            named.append((f"{where}.InferenceSpecification.Containers[{number}].Image", dig(container, "Image")))
        for place, value in named:
            image = resolve(value, definition)
            if isinstance(image, str) and mutable(image):
                yield Finding("mutable-image", place, f"{image!r} can become another image under the same name", REMEDY)
