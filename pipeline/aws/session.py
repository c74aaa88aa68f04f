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

ATTEMPTS = 6  # in all; standard mode waits up to 20 s between two
RETRIES = Config(retries={"mode": "standard", "total_max_attempts": ATTEMPTS}, connect_timeout=10, read_timeout=60)
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
    clients: dict[str, Any] = field(default_factory=dict, repr=False)

    def client(self, service: str, region: str | None = None) -> Any:
        """The boto3 client of a service. Nothing is called yet. Raises BadInput without a region."""
        place = region or self.region
        if (name := f"{service} {place}") not in self.clients:
            with explained("connecting"):
                self.clients[name] = boto3.session.Session(region_name=place).client(service, config=RETRIES)
        return self.clients[name]

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


def connect_environment(chosen: Settings) -> Account:
    """Clients for an environment. Raises BadInput where the credentials are those of another account."""
    account = connect(chosen.region)
    match = re.search(r"::(\d{12}):", chosen.roles.evaluate)
    wanted, found = match[1] if match else "", account.caller()["Account"]
    if found != wanted:
        raise BadInput(
            f"these credentials are of account {found}, and the environment is of account {wanted}",
            hint="use the credentials of that account, or give the right --account",
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
    code = str(error.response.get("Error", {}).get("Code", ""))
    message = str(error.response.get("Error", {}).get("Message", "")) or code
    if code in EXPIRED:
        return BadInput(f"the AWS credentials have expired while {doing}", hint=SIGN_IN)
    if code in UNKNOWN:
        return BadInput(f"AWS does not know these credentials, while {doing}", hint=SIGN_IN)
    if code in THROTTLED:
        return Unreachable(
            f"AWS throttles {error.operation_name}, also after {ATTEMPTS} attempts, while {doing}",
            hint="wait a minute and repeat the command",
        )
    if code in DENIED:
        return Denied(
            f"you are not allowed to call {error.operation_name} while {doing}: {message}",
            hint="use a role that may; docs/roles.md says who may do what",
        )
    if code in MISSING or (code.startswith("Validation") and NOT_FOUND.search(message)):
        return Missing(f"there is nothing there, while {doing}: {message}")
    kind = Unreachable if code in PASSING else AsusuError
    return kind(f"{error.operation_name} failed while {doing}: {message} ({code})")
