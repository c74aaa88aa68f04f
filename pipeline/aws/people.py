"""Who started a run: whoever did may not approve its model alone.

The package itself is no help: its creator is the role that the pipeline runs as. The execution's is a person, or the
service that started it on a schedule.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipeline.aws.session import Account, Missing, explained
from pipeline.errors import BadInput
from pipeline.packages import Package, artifact_of, name_of

OWN = "let somebody else decide, or give --own where you have been told to decide alone"


def refuse_own_run(account: Account, package: Package, caller: Mapping[str, str]) -> None:
    """Raises BadInput where the caller started the run that made the package, and where nobody can tell who did."""
    execution = _execution(package)
    try:
        with explained(f"asking who started {execution}"):
            described = account.sagemaker.describe_pipeline_execution(PipelineExecutionArn=execution)
    except Missing as error:
        raise BadInput(
            f"nobody can tell who started the run of {name_of(package)}: {error.message}", hint=OWN
        ) from error
    creator = described.get("CreatedBy") or {}
    theirs, ours = _names(creator), {caller["Arn"], caller["UserId"], session_of(caller["Arn"])}
    if not theirs:
        raise BadInput(f"AWS does not say who started the run of {name_of(package)}", hint=OWN)
    if theirs & ours:
        raise BadInput(f"you started the run of {name_of(package)} yourself, as {caller['Arn']}", hint=OWN)


def session_of(arn: str) -> str:
    """The person in an identity's ARN: the user's name, or the session's, which sign-in services set to the person's."""
    return arn.rsplit("/", 1)[-1]


def _names(creator: Mapping[str, Any]) -> set[str]:
    """All that a creator is called; a person who has taken another role since keeps the session's name."""
    identity = creator.get("IamIdentity") or {}
    arn, principal = str(identity.get("Arn", "")), str(identity.get("PrincipalId", ""))
    names = {arn, principal, str(identity.get("SourceIdentity", "")), str(creator.get("UserProfileName", ""))}
    if "/" in arn:
        names.add(session_of(arn))
    return names - {""}


def _execution(package: Package) -> str:
    """The execution's ARN. Raises BadInput where it is missing, or is not the one that the artefact's address names."""
    execution = str((package.get("CustomerMetadataProperties") or {}).get("execution_arn", ""))
    if not execution:
        raise BadInput(f"{name_of(package)} does not say which run made it", hint=OWN)
    if f"/{session_of(execution)}/" not in artifact_of(package):
        raise BadInput(
            f"{name_of(package)} names the run {session_of(execution)}, but its artefact is of another:"
            f" {artifact_of(package)}",
            hint="find out who edited the entry; do not approve it",
        )
    return execution
