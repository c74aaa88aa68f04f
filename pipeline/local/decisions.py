"""Deciding on versions in the registry of this machine; an approval publishes the champion at once."""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass
from pathlib import Path

from pipeline import settings
from pipeline.errors import AsusuError
from pipeline.local.champion import publish_champion, verify_artifact
from pipeline.local.registry import Registry
from pipeline.local.store import Store
from pipeline.local.workplace import locked
from pipeline.packages import Package, Verdict, champion_of, name_of


class Unpublished(AsusuError):
    """The decision stands, and new models are still compared with the champion before it."""


@dataclass(frozen=True)
class LocalPackages:
    """The registry in a work directory."""

    workdir: Path

    def packages(self) -> list[Package]:
        """Every version of every group, in the order of groups and versions."""
        registry = Registry(self.workdir / "registry")
        return [package for group in registry.groups() for package in registry.packages(group)]

    def decide(self, package: Package, verdict: Verdict, reason: str, *, own: bool) -> list[str]:
        """Record a decision; says where the champion changed. Everybody's runs are their own here, so `own` says nothing.

        Raises BadInput for a reason the registry does not take, AsusuError where files are gone or were changed: then
        nothing is recorded. Raises Unpublished where the decision stands but the new champion cannot be published.
        """
        registry, store = Registry(self.workdir / "registry"), Store(self.workdir / "s3")
        group = str(package["ModelPackageGroupName"])
        with locked(self.workdir):
            before = champion_of(registry.packages(group))
            if verdict == "Approved":
                verify_artifact(package, store)
            registry.decide(str(package["ModelPackageArn"]), verdict, reason, _person())
            try:
                champion = publish_champion(registry, group, store, settings.load("local").bucket)
            except (AsusuError, OSError) as error:
                raise _unpublished(package, verdict, before, error) from error
        was = name_of(before) if before else None
        return [] if champion == was else [f"champion: {champion or 'none'} (before: {was or 'none'})"]


def _person() -> str:
    """Who sits here; in a container the user may have no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def _unpublished(package: Package, verdict: Verdict, before: Package | None, error: Exception) -> Unpublished:
    why = error.message if isinstance(error, AsusuError) else str(error)
    still = name_of(before) if before else "none"
    return Unpublished(
        f"{name_of(package)} is {verdict.lower()}, but the champion's folder still holds {still}: {why}",
        hint="approve a version whose files are there, or reject those whose files are gone",
    )
