"""Addresses that a run reads and no step of it writes: each must hold something, since the service mounts no empty prefix."""

from __future__ import annotations

from collections.abc import Mapping

from pipeline.definition import Definition, references
from pipeline.lint.values import resolve
from pipeline.lint.walk import dig, rows
from pipeline.preflight.jobs import with_values


def mounted_addresses(definition: Definition, parameters: Mapping[str, str]) -> dict[str, list[str]]:
    """Address to the steps that mount it. Those of the execution's own are left out, and those nobody gave a value for."""
    assumed = with_values(definition, parameters)
    valued = {f"Parameters.{row.name}" for row in assumed.parameters if row.default is not None}
    found: dict[str, list[str]] = {}
    for step in assumed.steps:
        inputs = [dig(row, "S3Input", "S3Uri") for row in rows(step.arguments, "ProcessingInputs")]
        inputs += [dig(row, "DataSource", "S3DataSource", "S3Uri") for row in rows(step.arguments, "InputDataConfig")]
        for address in inputs:
            if address is not None and {reference.target for reference in references(address)} <= valued:
                found.setdefault(str(resolve(address, assumed)), []).append(step.name)
    return found
