"""Lint: what is wrong with a compiled definition, found without AWS. Each finding says where, why and what to do.

The SDK compiles definitions that the service refuses, or accepts and runs for days to no avail. These checks read only
the compiled JSON, so they hold for every recipe. One file per reason; `finding.Rule` lists every rule.
"""

from __future__ import annotations

from pipeline.definition import Definition
from pipeline.lint.addresses import check_addresses
from pipeline.lint.caching import check_caching
from pipeline.lint.conditions import check_conditions
from pipeline.lint.finding import Check, Finding, Rule
from pipeline.lint.folders import check_absolute_paths, check_mounts
from pipeline.lint.images import check_images
from pipeline.lint.limits import check_metrics, check_sizes
from pipeline.lint.order import check_order
from pipeline.lint.parameters import check_declarations, check_use
from pipeline.lint.references import check_property_files, check_references
from pipeline.lint.requests import check_requests
from pipeline.lint.retries import check_retries
from pipeline.lint.safety import check_approval, check_isolation, check_secrets
from pipeline.lint.structure import check_branches, check_steps
from pipeline.lint.training import (
    check_checkpoints,
    check_hosts,
    check_image,
    check_shared_checkpoints,
    check_spot,
    check_time_limit,
)

__all__ = ["Finding", "Rule", "lint"]

CHECKS: tuple[Check, ...] = (
    check_use,
    check_declarations,
    check_steps,
    check_branches,
    check_conditions,
    check_order,
    check_references,
    check_property_files,
    check_requests,
    check_sizes,
    check_metrics,
    check_retries,
    check_isolation,
    check_approval,
    check_secrets,
    check_image,
    check_images,
    check_time_limit,
    check_checkpoints,
    check_shared_checkpoints,
    check_spot,
    check_hosts,
    check_addresses,
    check_mounts,
    check_absolute_paths,
    check_caching,
)


def lint(definition: Definition) -> list[Finding]:
    """Every finding of every check, in the order of CHECKS; empty when the definition is sound."""
    return [finding for check in CHECKS for finding in check(definition)]
