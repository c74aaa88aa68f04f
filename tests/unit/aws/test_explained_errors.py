"""What the service and its library raise, as one sentence and the next thing to do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import SSOTokenLoadError
from botocore.parsers import ResponseParserError
from botocore.stub import Stubber

from pipeline.aws.packages import AwsPackages
from pipeline.aws.session import Denied, Missing, Unreachable, connect, explained
from pipeline.errors import AsusuError, BadInput


@pytest.fixture(autouse=True)
def no_surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    for name in ("AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))


@contextmanager
def refusing(client: Any, operation: str, code: str) -> Iterator[None]:
    with Stubber(client) as stub:
        stub.add_client_error(
            operation,
            service_error_code=code,
            service_message="of the service",
            response_meta={"RetryAttempts": 5},
        )
        yield


@pytest.mark.parametrize(
    ("code", "kind", "says"),
    [
        ("ExpiredTokenException", BadInput, "credentials have expired while asking who you are"),
        ("InvalidClientTokenId", BadInput, "does not know these credentials"),
        ("Throttling", Unreachable, "AWS throttles GetCallerIdentity, also after 6 attempts"),
        ("AccessDenied", Denied, "not allowed to call GetCallerIdentity"),
        ("InternalFailure", Unreachable, r"GetCallerIdentity failed while asking who you are: of the service \(Int"),
    ],
)
def test_an_answer_of_the_service_is_one_sentence(code: str, kind: type[AsusuError], says: str) -> None:
    account = connect("us-east-1")
    with refusing(account.sts, "get_caller_identity", code), pytest.raises(AsusuError, match=says) as raised:
        account.caller()
    assert type(raised.value) is kind
    assert "\n" not in raised.value.message


def test_a_job_that_is_not_there_is_told_from_bad_input() -> None:
    """The service says both with the same code."""
    account = connect("us-east-1")
    for message, kind in (("Requested resource not found.", Missing), ("1 validation error detected", AsusuError)):
        with Stubber(account.sagemaker) as stub, pytest.raises(AsusuError) as raised, explained("asking"):
            stub.add_client_error(
                "describe_training_job", service_error_code="ValidationException", service_message=message
            )
            account.sagemaker.describe_training_job(TrainingJobName="job")
        assert type(raised.value) is kind


def test_throttling_while_listing_is_said_with_the_call_and_what_to_do() -> None:
    account = connect("us-east-1")
    with (
        refusing(account.sagemaker, "list_model_package_groups", "ThrottlingException"),
        pytest.raises(AsusuError, match=r"throttles ListModelPackageGroups.*listing the model packages") as raised,
    ):
        AwsPackages(account).packages()
    assert raised.value.hint == "wait a minute and repeat the command"


def test_a_missing_region_is_said_before_anything_is_called() -> None:
    with pytest.raises(BadInput, match="no AWS region is set while connecting"):
        connect(None)


def test_missing_credentials_are_said_with_how_to_get_some() -> None:
    with pytest.raises(BadInput, match="no usable AWS credentials while asking who you are") as raised:
        connect("us-east-1").caller()
    assert "aws sso login" in raised.value.hint


def test_a_profile_that_does_not_exist_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nowhere")
    with pytest.raises(BadInput, match="nowhere"):
        connect("us-east-1")


def test_a_sign_in_that_has_ended_says_how_to_sign_in_again() -> None:
    with pytest.raises(BadInput, match="sign-in has expired while listing") as raised, explained("listing"):
        raise SSOTokenLoadError(error_msg="gone")
    assert "aws sso login" in raised.value.hint


def test_an_account_that_cannot_be_reached_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    nobody = boto3.client(
        "sts", region_name="us-east-1", endpoint_url="http://127.0.0.1:1", config=Config(retries={"max_attempts": 0})
    )
    with pytest.raises(AsusuError, match="cannot be reached while asking"), explained("asking"):
        nobody.get_caller_identity()


def test_an_answer_that_is_not_one_of_aws_is_said_and_may_be_another_later() -> None:
    with pytest.raises(Unreachable, match="the answer was not one of AWS while asking") as raised, explained("asking"):
        raise ResponseParserError("invalid XML received: <!doctype html>")
    assert "proxy" in raised.value.hint


class Gateway(BaseHTTPRequestHandler):
    """Answers every request with what its server was given."""

    def do_POST(self) -> None:
        status, kind, body = self.server.answer  # type: ignore[attr-defined]
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: object) -> None:
        """Nothing."""


@pytest.mark.parametrize(
    ("status", "kind", "body", "says"),
    [
        (502, "text/html", b"<html><h1>502 Bad Gateway</h1></html>", r"failed while asking: Bad Gateway \(502"),
        (503, "text/html", b"\n<!doctype html><p>upstream", "a gateway answered 503 instead of AWS"),
        (
            503,
            "application/json",
            b'{"__type": "Unheard", "message": "later"}',
            r"failed while asking: later \(Unheard",
        ),
        (500, "text/plain", b"", r"failed while asking: Internal Server Error \(500"),
    ],
)
def test_what_a_gateway_or_a_broken_service_answers_may_be_another_later(
    monkeypatch: pytest.MonkeyPatch, status: int, kind: str, body: bytes, says: str
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    server = HTTPServer(("127.0.0.1", 0), Gateway)
    server.answer = status, kind, body  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client = boto3.client(
        "sagemaker",
        region_name="us-east-1",
        endpoint_url=f"http://127.0.0.1:{server.server_port}",
        config=Config(retries={"total_max_attempts": 1}),
    )
    with pytest.raises(Unreachable, match=says) as raised, explained("asking"):
        client.describe_pipeline(PipelineName="asusu-igbo")
    server.shutdown()
    server.server_close()
    assert "<" not in str(raised.value)
    assert raised.value.hint.startswith("wait a minute")


def test_somebody_who_asks_again_himself_gives_up_a_silent_call_soon() -> None:
    config = connect("us-east-1").brief().sagemaker.meta.config
    assert config.retries["total_max_attempts"] * (config.connect_timeout + config.read_timeout) <= 60
