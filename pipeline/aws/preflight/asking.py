"""Asking an account so that a missing thing, and a question that may not be asked, are answers and no ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from botocore.exceptions import ClientError

from pipeline.aws.session import Denied, Missing, explained
from pipeline.errors import AsusuError, BadInput
from pipeline.preflight.check import Check

GONE = (  # besides what `pipeline.aws.session` calls missing
    "NoSuchEntity",
    "NoSuchResourceException",
    "NotFoundException",
    "RepositoryNotFoundException",
    "ImageNotFoundException",
    "ServerSideEncryptionConfigurationNotFoundError",
)


def found(doing: str, call: Callable[..., dict[str, Any]], **request: Any) -> dict[str, Any] | None:
    """The answer, None where the account has no such thing. Raises AsusuError for every other refusal."""
    try:
        with explained(doing):
            return call(**request)
    except Missing:
        return None
    except AsusuError as error:
        if isinstance(error.__cause__, ClientError) and _is_gone(error.__cause__):
            return None
        raise


def answers(name: str, permission: str, look: Callable[[], Iterable[Check]]) -> list[Check]:
    """The rows of a check; where it could not be made, the rows before that, and one that says why.

    Raises BadInput for credentials that are missing or have expired: with those nothing can be asked.
    """
    rows: list[Check] = []
    try:
        for row in look():
            rows.append(row)
    except BadInput:
        raise
    except Denied as error:
        rows.append(
            Check(name, "unknown", error.message, f"allow {permission} to the role you use, or ask one who may")
        )
    except AsusuError as error:
        rows.append(Check(name, "unknown", error.message, error.hint))
    return rows


def _is_gone(error: ClientError) -> bool:
    """SageMaker says ValidationException for a thing that is not there, as it does for a request that is wrong."""
    code, message = (str(error.response.get("Error", {}).get(key, "")) for key in ("Code", "Message"))
    return code in GONE or (code == "ValidationException" and "does not exist" in message)
