"""What can be judged without an account: the definition, the parameters, machines, times, spot, images, metadata."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pipeline.definition import Definition
from pipeline.lint import Finding, lint
from pipeline.preflight.check import Check
from pipeline.preflight.images import check_images
from pipeline.preflight.jobs import Job, jobs_of
from pipeline.preflight.machines import check_disks, check_region, check_spot, check_times, check_volume_keys
from pipeline.preflight.metadata import check_metadata
from pipeline.settings import Settings
from steps.parameters import check_all

OWN_ROWS = ("spot", "mutable-image")  # rules of lint whose findings stand in a row of their own here


def check_offline(
    chosen: Settings, definition: Definition, parameters: Mapping[str, str], *, starting: bool = True
) -> list[Check]:
    """Every check that needs no account. `parameters` are the values given, those of the environment included.

    Without `starting` no run is: parameters that have no default may still be given then.
    """
    findings = lint(definition)
    jobs = jobs_of(definition, parameters)
    return [
        *_definition(findings),
        _parameters(definition, parameters, starting),
        check_region(chosen.region),
        *check_images(chosen, definition, jobs),
        check_volume_keys(jobs),
        check_disks(jobs),
        *check_times(chosen, jobs, parameters),
        _spot(jobs, findings),
        check_metadata(chosen, definition),
    ]


def _definition(findings: list[Finding]) -> Iterator[Check]:
    """One row a finding, so that each has its remedy; one row where there are none."""
    own = [finding for finding in findings if finding.rule not in OWN_ROWS]
    for finding in own:
        yield Check("definition", "refused", f"{finding.where}: {finding.problem} [{finding.rule}]", finding.remedy)
    if not own:
        yield Check("definition", "ok", "lint has no findings")


def _parameters(definition: Definition, given: Mapping[str, str], starting: bool) -> Check:
    problems = check_all(dict(given))
    if problems:
        return Check("parameters", "refused", "; ".join(problems), "asusu params")
    missing = [row.name for row in definition.parameters if row.default is None and row.name not in given]
    if missing and not starting:
        return Check("parameters", "ok", f"within their ranges; {', '.join(missing)} are given when a run is started")
    if missing:
        detail = f"{', '.join(missing)} not given: what depends on them cannot be judged"
        return Check("parameters", "unknown", detail, "give them with --param; `asusu publish` prints them")
    return Check("parameters", "ok", f"{len(definition.parameters)} parameters within their ranges")


def _spot(jobs: list[Job], findings: list[Finding]) -> Check:
    broken = [finding for finding in findings if finding.rule == "spot"]
    if broken:
        detail = "; ".join(f"{finding.where} {finding.problem}" for finding in broken)
        return Check("spot", "refused", detail, broken[0].remedy)
    return check_spot(jobs)
