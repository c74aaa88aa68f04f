"""Clients for one account and region, and the service's errors as sentences that say what to do next."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    PartialCredentialsError,
    ProfileNotFound,
    SSOError,
    TokenRetrievalError,
)
from botocore.exceptions import ConnectionError as NoConnection
from botocore.parsers import ResponseParserError

from pipeline.errors import AsusuError, BadInput
from pipeline.settings import Settings

# Standard mode waits up to 20 s between two attempts; the number of attempts counts the first.
PATIENT = Config(retries={"mode": "standard", "total_max_attempts": 6}, connect_timeout=10, read_timeout=60)
BRIEF = Config(retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=5, read_timeout=15)
EXPIRED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired")
UNKNOWN = ("InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "SignatureDoesNotMatch")
THROTTLED = (
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestLimitExceeded",
    "TooManyRequestsException",
    "SlowDown",
)
DENIED = ("AccessDenied", "AccessDeniedException", "403", "Forbidden")
MISSING = ("NoSuchKey", "NoSuchBucket", "404", "NotFound", "ResourceNotFound", "ResourceNotFoundException")
NOT_FOUND = re.compile(r"resource not found|could not find pipeline", re.I)  # said with a code for bad input
PASSING = (
    "InternalFailure",
    "InternalError",
    "InternalServerError",
    "ServiceUnavailable",
    "ServiceUnavailableException",
)
SERVER_FAULT = 500  # HTTP statuses from here on
MARKUP = re.compile(r"\s*<(?:!doctype html|html|head|body|h1)\b", re.IGNORECASE)  # not XML, in which AWS refuses too
LATER = "wait a minute and repeat the command"
SIGN_IN = "sign in again (`aws sso login`, or whatever gives you credentials), then repeat the command"


class Missing(AsusuError):
    """The account has nothing of that name."""


class Denied(AsusuError):
    """The credentials are good, and may not do this."""


class Unreachable(AsusuError):
    """Nothing is wrong with what was asked: throttling, the network, or a fault of the service. It may work later."""


@dataclass(frozen=True)
class Account:
    """Clients of one region, each made when it is first asked for."""

    region: str | None
    config: Config = field(default=PATIENT, repr=False)
    clients: dict[str, Any] = field(default_factory=dict, repr=False)

    def client(self, service: str, region: str | None = None) -> Any:
        """The boto3 client of a service. Nothing is called yet. Raises BadInput without a region."""
        place = region or self.region
        if (name := f"{service} {place}") not in self.clients:
            with explained("connecting"):
                self.clients[name] = boto3.session.Session(region_name=place).client(service, config=self.config)
        return self.clients[name]

    def brief(self) -> Account:
        """The same account for somebody who asks again and again: a call that gets no answer is given up in half a minute."""
        return Account(self.region, BRIEF)

    @property
    def sagemaker(self) -> Any:
        """The client of SageMaker."""
        return self.client("sagemaker")

    @property
    def s3(self) -> Any:
        """The client of S3."""
        return self.client("s3")

    @property
    def sts(self) -> Any:
        """The client of STS."""
        return self.client("sts")

    def caller(self) -> Mapping[str, str]:
        """Who we are: Account, Arn and UserId of GetCallerIdentity."""
        with explained("asking who you are"):
            identity: Mapping[str, str] = self.sts.get_caller_identity()
        return identity


def connect(region: str | None) -> Account:
    """An account with the credentials of the surroundings. Nothing is called yet. Raises BadInput without a region."""
    account = Account(region)
    account.client("sagemaker")
    return account


def connect_environment(chosen: Settings, number: str) -> Account:
    """Clients for an environment. Raises BadInput where it, or the number given, is of another account than the credentials."""
    account = connect(chosen.region)
    match = re.search(r"::(\d{12}):", chosen.roles.evaluate)
    wanted, found = match[1] if match else "", account.caller()["Account"]
    if found != wanted:
        raise BadInput(
            f"these credentials are of account {found}, and the environment is of account {wanted}",
            hint="use the credentials of that account, or give the right --account",
        )
    if found != number:
        raise BadInput(
            f"these credentials and the environment are of account {found}, and --account says {number}",
            hint="give the environment's file of that account, or leave out --account",
        )
    return account


@contextmanager
def explained(doing: str) -> Iterator[None]:
    """Turns what boto3 raises inside into one sentence; `doing` completes "... while ..."."""
    try:
        yield
    except NoRegionError as error:
        raise BadInput(f"no AWS region is set while {doing}", hint="set region in the environment's file") from error
    except (NoCredentialsError, PartialCredentialsError, ProfileNotFound) as error:
        raise BadInput(f"there are no usable AWS credentials while {doing}: {error}", hint=SIGN_IN) from error
    except (SSOError, TokenRetrievalError) as error:
        raise BadInput(f"the AWS sign-in has expired while {doing}", hint=SIGN_IN) from error
    except ClientError as error:
        raise _explained(error, doing) from error
    except (NoConnection, HTTPClientError) as error:
        raise Unreachable(
            f"AWS cannot be reached while {doing}: {error}", hint="check the network and region"
        ) from error
    except ResponseParserError as error:
        raise Unreachable(
            f"the answer was not one of AWS while {doing}", hint="check the network: a proxy may have answered"
        ) from error
    except BotoCoreError as error:
        raise AsusuError(f"AWS could not be asked while {doing}: {error}") from error


def _explained(error: ClientError, doing: str) -> AsusuError:
    code, message, _ = _said(error)
    if code in EXPIRED:
        return BadInput(f"the AWS credentials have expired while {doing}", hint=SIGN_IN)
    if code in UNKNOWN:
        return BadInput(f"AWS does not know these credentials, while {doing}", hint=SIGN_IN)
    if passing := _passing(error, doing):
        return passing
    if code in DENIED:
        return Denied(
            f"you are not allowed to call {error.operation_name} while {doing}: {message}",
            hint="use a role that may; docs/roles.md says who may do what",
        )
    if code in MISSING or (code.startswith("Validation") and NOT_FOUND.search(message)):
        return Missing(f"there is nothing there, while {doing}: {message}")
    return AsusuError(f"{error.operation_name} failed while {doing}: {message} ({code})")


def _passing(error: ClientError, doing: str) -> Unreachable | None:
    """What may work later; None for the rest."""
    code, message, status = _said(error)
    if MARKUP.match(message):  # only something before AWS answers with a page
        return Unreachable(
            f"a gateway answered {status} instead of AWS while {doing}",
            hint="wait a minute and repeat the command; where it stays so, check the network: a proxy may have answered",
        )
    if code in THROTTLED:
        again = error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0)
        also = f", also after {again + 1} attempts," if again else ""
        return Unreachable(f"AWS throttles {error.operation_name}{also} while {doing}", hint=LATER)
    if code in PASSING or status >= SERVER_FAULT:
        return Unreachable(f"{error.operation_name} failed while {doing}: {message} ({code})", hint=LATER)
    return None


def _said(error: ClientError) -> tuple[str, str, int]:
    """Code, message and HTTP status of an answer."""
    said = error.response.get("Error", {})
    code = str(said.get("Code", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") or 0)
    return code, str(said.get("Message", "")) or code, status
